{# what leads of a month cost and brought: advertising of the month, hours before the sale of their deals, what was won.
   Only of all leads together: nobody records which advertisement brought which lead #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with rules as (
    select * from {{ ref('cost_rules') }}
    where is_included
),

spend as (
    select
        cast({{ dbt.date_trunc('month', 's.spend_date') }} as date) as month_start,
        sum({{ in_cny('s.cost') }}) as spend_cny
    from {{ ref('stg_crm__ad_spend') }} as s
    inner join {{ ref('exchange_rates') }} as x on x.currency = coalesce(upper(trim(s.currency)), 'CNY')
    inner join rules as r on r.cost_source = 'ad_spend'
    where s.spend_date <= {{ night }} and s.cost >= 0
    group by cast({{ dbt.date_trunc('month', 's.spend_date') }} as date)
),

-- of several leads of a deal the first bears its hours and has its money
deals as (
    select distinct
        s.cohort_month,
        l.deal_id
    from {{ ref('int_leads__spells') }} as s
    inner join {{ ref('int_crm__leads_with_deals') }} as l on l.lead_id = s.lead_id
    where l.is_primary_lead and l.deal_id is not null and s.origin <> 'deal'
),

hours as (
    select
        d.cohort_month as month_start,
        sum(c.presales_hours * r.unit_cost) as presales_cny
    from deals as d
    inner join {{ ref('int_crm__deals_classified') }} as c on c.deal_id = d.deal_id
    inner join rules as r on r.cost_source = 'presales_hours'
    where c.presales_hours >= 0
    group by d.cohort_month
),

won as (
    select
        d.cohort_month as month_start,
        sum(p.amount_cny) as won_cny
    from deals as d
    inner join {{ ref('int_accounts__purchases') }} as p on p.deal_id = d.deal_id
    where p.amount_cny >= 0
    group by d.cohort_month
),

-- a month from which no spend is told may have been without one or before anybody wrote it down
told as (
    select
        min(month_start) as first_month,
        max(month_start) as last_month
    from spend
),

months as (
    select distinct cohort_month as month_start
    from {{ ref('int_leads__spells') }}
)

select
    m.month_start,
    case
        when m.month_start between t.first_month and t.last_month then coalesce(s.spend_cny, 0)
    end as spend_cny,
    coalesce(h.presales_cny, 0) as presales_cny,
    coalesce(w.won_cny, 0) as won_cny
from months as m
cross join told as t
left join spend as s on s.month_start = m.month_start
left join hours as h on h.month_start = m.month_start
left join won as w on w.month_start = m.month_start
