{# the newest live CRM record tells the firmographics; what the CRM does not know is named by its mail domain #}
with records as (
    select * from {{ source('identity', 'companies') }}
),

crm as (
    select
        r.account_id,
        c.*,
        row_number() over (
            partition by r.account_id
            order by
                case when c.merged_into_id is null then 0 else 1 end asc,
                c.updated_at desc nulls last,
                c.company_id asc
        ) as place
    from records as r
    inner join {{ ref('stg_crm__companies') }} as c on c.company_id = r.source_id
    where r.source_system = 'crm'
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
)

select
    f.account_id,
    coalesce(c.name, f.company_name, f.domain) as account_name,
    f.domain,
    f.uscc,
    c.industry as industry_name,
    c.country,
    c.province,
    c.city,
    c.founded_year,
    c.employee_count,
    e.band as employee_band,
    c.annual_revenue,
    c.currency,
    cast(c.annual_revenue * x.rate_to_cny as decimal(38, 6)) as annual_revenue_cny,
    r.band as revenue_band,
    p.parent_account_id,
    c.lifecycle_stage,
    s.stage as journey_stage,
    coalesce(n.contact_count, 0) as contact_count,
    coalesce(d.deal_count, 0) as deal_count,
    cast(coalesce(d.open_deal_count, 0) as bigint) as open_deal_count,
    cast(coalesce(d.won_deal_count, 0) as bigint) as won_deal_count,
    t.first_touch_at,
    t.last_touch_at,
    f.created_at,
    f.source_record_count
from facts as f
left join crm as c on c.account_id = f.account_id and c.place = 1
left join {{ source('identity', 'account_parents') }} as p on p.account_id = f.account_id
left join people as n on n.account_id = f.account_id
left join deals as d on d.account_id = f.account_id
left join touches as t on t.account_id = f.account_id
left join stages as s on s.account_id = f.account_id
left join {{ ref('exchange_rates') }} as x on x.currency = upper(trim(c.currency))
left join {{ ref('employee_bands') }} as e
    on e.lower_bound <= c.employee_count and (e.upper_bound > c.employee_count or e.upper_bound is null)
left join {{ ref('revenue_bands') }} as r
    on
        r.lower_bound <= c.annual_revenue * x.rate_to_cny
        and (r.upper_bound > c.annual_revenue * x.rate_to_cny or r.upper_bound is null)
