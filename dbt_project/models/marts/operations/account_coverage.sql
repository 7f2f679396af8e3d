{# of how many accounts each column and attribute is known, altogether and by each source #}
{% set columns = [
    'legal_name', 'short_name', 'domain', 'uscc', 'industry_code', 'industry_chain_position', 'org_type',
    'company_relation', 'country', 'province_code', 'city_code', 'district_code', 'founded_year', 'employee_count',
    'employee_growth_2y', 'employee_trend', 'annual_revenue_cny', 'profit', 'valuation', 'funding_stage',
    'total_funding', 'growth_stage', 'target_market', 'digital_maturity', 'average_deal_amount', 'deal_size_band',
    'sales_motion', 'parent_account_id', 'lifecycle_stage', 'journey_stage', 'awareness_state', 'tier', 'customer_since',
    'won_revenue_cny', 'gross_profit_12m_cny', 'sales_cycle_days', 'support_hours_per_10k', 'rfm_segment', 'ltv_cny',
    'cac_cny', 'nps_score'
] %}
with accounts as (
    select * from {{ ref('accounts') }}
),

total as (
    select count(*) as account_count from accounts
),

attributes as (
    select
        account_id,
        attribute,
        source_type,
        is_selected
    from {{ ref('account_attributes') }}
),

counted as (
    {% for column in columns %}
        select
            'column' as subject,
            '{{ column }}' as name,
            'any' as source_type,
            count({{ column }}) as known_count,
            count({{ column }}) as selected_count
        from accounts
        union all
    {% endfor %}
    -- an attribute that nobody tells stands here with nought
    select
        'attribute' as subject,
        r.attribute as name,
        'any' as source_type,
        count(distinct a.account_id) as known_count,
        count(distinct case when a.is_selected then a.account_id end) as selected_count
    from {{ ref('attribute_rules') }} as r
    left join attributes as a on a.attribute = r.attribute
    group by r.attribute
    union all
    select
        'attribute' as subject,
        attribute as name,
        source_type,
        count(distinct account_id) as known_count,
        count(distinct case when is_selected then account_id end) as selected_count
    from attributes
    group by attribute, source_type
)

select
    c.subject,
    c.name,
    c.source_type,
    t.account_count,
    c.known_count,
    c.selected_count,
    case when t.account_count > 0 then cast(c.known_count as double) / t.account_count end as known_share
from counted as c
cross join total as t
