{# how each lead fared in each stage that it entered: whether and when it went on, and until when it was watched; the
   first entry counts. A stage that was skipped was not entered, so that it is in no rate #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with entries as (
    select * from {{ ref('lead_stages') }}
),

sources as (
    select
        concat('lead:', lead_id) as lead_id,
        lower(trim(lead_source)) as lead_source
    from {{ ref('stg_crm__leads') }}
    union all
    select
        concat('contact:', contact_id) as lead_id,
        lower(trim(lead_source)) as lead_source
    from {{ ref('stg_crm__contacts') }}
),

firsts as (
    select
        lead_id,
        stage,
        stage_order,
        min(entry_number) as entry_number
    from entries
    where stage in ('raw', 'mql', 'sql', 'opportunity')
    group by lead_id, stage, stage_order
),

spells as (
    select
        f.lead_id,
        f.stage,
        f.stage_order,
        e.origin,
        e.account_id,
        e.entered_at,
        e.left_at,
        min(case when n.stage <> 'lost' and n.stage_order > f.stage_order then n.entered_at end) as converted_at,
        max(case when n.stage <> 'lost' and n.stage_order > f.stage_order then 1 else 0 end) = 1 as is_converted,
        max(case when n.stage = 'lost' then 1 else 0 end) = 1 as is_lost
    from firsts as f
    inner join entries as e on e.lead_id = f.lead_id and e.entry_number = f.entry_number
    left join entries as n on n.lead_id = f.lead_id and n.entry_number > f.entry_number
    group by f.lead_id, f.stage, f.stage_order, e.origin, e.account_id, e.entered_at, e.left_at
),

arrivals as (
    select
        lead_id,
        min(entered_at) as came_at
    from entries
    group by lead_id
)

select
    s.lead_id,
    s.origin,
    s.account_id,
    r.lead_source,
    a.industry_section,
    s.stage,
    s.stage_order,
    cast({{ dbt.date_trunc('month', local_date('c.came_at')) }} as date) as cohort_month,
    {{ local_date('s.entered_at') }} as entered_on,
    {{ local_date('s.left_at') }} as left_on,
    case when s.is_converted then {{ local_date('s.converted_at') }} end as converted_on,
    s.is_converted,
    s.is_lost and not s.is_converted as is_lost,
    {{ days_between(local_date('s.entered_at'), night) }} as watched_days,
    case
        when s.is_converted then {{ days_between(local_date('s.entered_at'), local_date('s.converted_at')) }}
    end as days_to_convert
from spells as s
inner join arrivals as c on c.lead_id = s.lead_id
left join sources as r on r.lead_id = s.lead_id
left join {{ ref('accounts') }} as a on a.account_id = s.account_id
-- without a day it is in no month; lead_stages shows it
where s.entered_at is not null
