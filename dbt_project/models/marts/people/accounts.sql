{# the winning value of each attribute; what the CRM does not know is named by its lead or its mail domain #}
{% set texts = [
    'legal_name', 'short_name', 'industry', 'industry_chain_position', 'org_type', 'company_relation', 'country',
    'employee_trend', 'funding_stage', 'growth_stage', 'target_market', 'deal_size_band', 'sales_motion'
] %}
{% set numbers = [
    'founded_year', 'employee_count', 'employee_growth_2y', 'annual_revenue', 'profit', 'valuation', 'total_funding',
    'average_deal_amount'
] %}
with records as (
    select * from {{ source('identity', 'companies') }}
),

facts as (
    select
        account_id,
        count(*) as source_record_count,
        min(uscc) as uscc,
        min(domain) as domain,
        min(company_name) as company_name,
        min(valid_from) as created_at
    from records
    group by account_id
),

attributes as (
    select
        account_id,
        {% for attribute in texts %}
            max(case when attribute = '{{ attribute }}' then value end) as {{ attribute }},
        {% endfor %}
        {% for attribute in numbers %}
            max(case when attribute = '{{ attribute }}' then value_number end) as {{ attribute }},
        {% endfor %}
        max(case when attribute = 'digital_maturity' then value end) as digital_maturity,
        max(case when attribute = 'annual_revenue' then recorded_amount end) as recorded_revenue,
        max(case when attribute = 'annual_revenue' then currency end) as currency
    from {{ ref('account_attributes') }}
    where is_selected
    group by account_id
),

-- an industry is inferred where no source names its section, and only the name of the company does
industries_recorded as (
    select distinct
        account_id,
        substring(value, 1, 1) as section
    from {{ ref('account_attributes') }}
    where attribute = 'industry' and not is_inferred and is_in_time
),

contradictions as (
    select
        account_id,
        count(distinct attribute) as attribute_count
    from {{ ref('account_attributes') }}
    where is_contradiction
    group by account_id
),

people as (
    select
        account_id,
        count(*) as contact_count
    from {{ ref('contacts') }}
    where account_id is not null
    group by account_id
),

deals as (
    select
        account_id,
        count(*) as deal_count,
        sum(case when deal_state = 'open' then 1 else 0 end) as open_deal_count,
        sum(case when deal_state = 'won' then 1 else 0 end) as won_deal_count
    from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
    group by account_id
),

touches as (
    select
        account_id,
        min(occurred_at) as first_touch_at,
        max(occurred_at) as last_touch_at
    from {{ ref('touchpoints') }}
    where account_id is not null
    group by account_id
),

stages as (
    select
        account_id,
        stage
    from {{ ref('journey_stages') }}
    where is_current
),

awareness as (
    select
        account_id,
        state
    from {{ ref('awareness_states') }}
    where subject_type = 'account' and is_current
),

tier_scores as (
    select
        account_id,
        sum(points) as tier_score
    from {{ ref('account_score_ledger') }}
    group by account_id
)

select
    f.account_id,
    coalesce(c.name, f.company_name, f.domain) as account_name,
    a.legal_name,
    a.short_name,
    f.domain,
    f.uscc,
    a.industry as industry_code,
    i.section as industry_section,
    i.name_zh as industry_name,
    case when a.industry is not null then y.account_id is null end as is_industry_inferred,
    a.industry_chain_position,
    a.org_type,
    a.company_relation,
    a.country,
    g.province_code,
    g.province,
    g.city_code,
    g.city,
    g.district_code,
    g.district,
    g.site_city_count,
    cast(a.founded_year as bigint) as founded_year,
    cast(a.employee_count as bigint) as employee_count,
    e.band as employee_band,
    cast(a.employee_growth_2y as double) as employee_growth_2y,
    a.employee_trend,
    -- in a currency without a rate it is shown as recorded and counted nowhere
    coalesce(a.recorded_revenue, c.annual_revenue) as annual_revenue,
    case when a.recorded_revenue is not null then a.currency else c.currency end as currency,
    cast(a.annual_revenue as decimal(38, 6)) as annual_revenue_cny,
    b.band as revenue_band,
    cast(a.profit as decimal(38, 6)) as profit,
    cast(a.valuation as decimal(38, 6)) as valuation,
    a.funding_stage,
    cast(a.total_funding as decimal(38, 6)) as total_funding,
    a.growth_stage,
    a.target_market,
    cast(a.digital_maturity as integer) as digital_maturity,
    cast(a.average_deal_amount as decimal(38, 6)) as average_deal_amount,
    a.deal_size_band,
    a.sales_motion,
    p.parent_account_id,
    c.lifecycle_stage,
    s.stage as journey_stage,
    q.state as awareness_state,
    coalesce(n.contact_count, 0) as contact_count,
    coalesce(d.deal_count, 0) as deal_count,
    cast(coalesce(d.open_deal_count, 0) as bigint) as open_deal_count,
    cast(coalesce(d.won_deal_count, 0) as bigint) as won_deal_count,
    r.tier,
    l.tier_score,
    h.value_class,
    h.value_class_evidence,
    w.customer_since,
    w.won_revenue_cny,
    w.gross_profit_12m_cny,
    w.gross_profit_24m_cny,
    w.gross_profit_cny,
    w.profit_basis,
    w.cycle_days as sales_cycle_days,
    w.average_discount_pct,
    w.expansion_deal_count,
    w.referral_count,
    w.referral_won_count,
    w.ticket_count,
    w.support_hours_per_10k,
    w.paid_in_time_share,
    w.days_late,
    w.overdue_invoice_count,
    w.active_user_count,
    w.usage_day_count,
    w.rfm_r,
    w.rfm_f,
    w.rfm_m,
    w.rfm_segment,
    w.ltv_cny,
    w.cac_cny,
    w.cac_basis,
    w.payback_months,
    w.ltv_to_cac,
    w.nps_score,
    w.nps_responses,
    w.value_gaps,
    j.score as icp_fit_score,
    j.segment as icp_fit_segment,
    case
        when o.persona_number > 0 then {{ persona_id_of('o.persona_number') }}
    end as icp_persona_id,
    t.first_touch_at,
    t.last_touch_at,
    f.created_at,
    coalesce(k.attribute_count, 0) as contradicted_attribute_count,
    f.source_record_count
from facts as f
left join {{ ref('int_accounts__newest_records') }} as c on c.account_id = f.account_id
left join attributes as a on a.account_id = f.account_id
left join {{ ref('industries') }} as i on i.code = a.industry
left join industries_recorded as y on y.account_id = f.account_id and y.section = substring(a.industry, 1, 1)
left join {{ ref('int_accounts__places') }} as g on g.account_id = f.account_id
left join contradictions as k on k.account_id = f.account_id
left join {{ source('identity', 'account_parents') }} as p on p.account_id = f.account_id
left join people as n on n.account_id = f.account_id
left join deals as d on d.account_id = f.account_id
left join touches as t on t.account_id = f.account_id
left join stages as s on s.account_id = f.account_id
left join awareness as q on q.account_id = f.account_id
left join {{ ref('account_tiers') }} as r on r.account_id = f.account_id and r.is_current
left join tier_scores as l on l.account_id = f.account_id
left join {{ ref('int_accounts__value') }} as w on w.account_id = f.account_id
left join {{ ref('int_accounts__value_classes') }} as h on h.account_id = f.account_id
left join {{ ref('icp_fit_scores') }} as j on j.account_id = f.account_id
left join {{ ref('int_personas__memberships') }} as o on o.account_id = f.account_id
left join {{ ref('employee_bands') }} as e
    on e.lower_bound <= a.employee_count and (e.upper_bound > a.employee_count or e.upper_bound is null)
left join {{ ref('revenue_bands') }} as b
    on b.lower_bound <= a.annual_revenue and (b.upper_bound > a.annual_revenue or b.upper_bound is null)
