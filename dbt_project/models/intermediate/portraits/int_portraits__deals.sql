{# deals until the night with the stage they were in, what stood in their way and what they took #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with people as (
    select
        deal_id,
        count(distinct contact_id) as people_count
    from {{ ref('int_portraits__deal_people') }}
    group by deal_id
),

stages as (
    select
        h.deal_id,
        s.journey_stage,
        row_number() over (partition by h.deal_id order by h.entered_at desc, h.stage asc) as place
    from {{ ref('stg_crm__deal_stage_history') }} as h
    inner join {{ ref('deal_stages') }} as s on s.source_stage = lower(trim(h.stage))
    where s.deal_state = 'open' and h.entered_at < {{ night_end }}
),

activities as (
    select
        a.deal_id,
        count(case when coalesce(t.activity_type, lower(trim(a.activity_type))) in ('meeting', 'demo') then 1 end)
            as meeting_count,
        max(a.occurred_at) as last_activity_at
    from {{ ref('stg_crm__activities') }} as a
    left join {{ ref('activity_types') }} as t on t.source_type = lower(trim(a.activity_type))
    where a.deal_id is not null and a.occurred_at < {{ night_end }}
    group by a.deal_id
)

select
    c.deal_id,
    c.account_id,
    -- what was closed after the night was open then
    case when c.closed_at >= {{ night_end }} then 'open' else c.deal_state end as deal_state,
    case when c.closed_at < {{ night_end }} then c.closed_at end as closed_at,
    c.created_at,
    case when c.deal_state = 'open' then c.journey_stage else s.journey_stage end as stage,
    case
        when c.deal_state = 'lost' and trim(d.closed_reason) <> '' then coalesce(o.obstacle, 'unmapped')
    end as obstacle,
    case when c.deal_state in ('won', 'lost') then d.competitor is not null end as is_competitor_named,
    case when c.deal_state = 'won' then cast(d.discount_pct as double) end as discount_pct,
    cast(d.presales_hours as double) as presales_hours,
    cast(coalesce(a.meeting_count, 0) as double) as meeting_count,
    cast(p.people_count as double) as people_count,
    cast({{ in_cny('c.amount', 'r') }} as double) as amount_cny,
    case
        when coalesce(a.last_activity_at, c.created_at) is not null
            then
                {{ days_between('coalesce(a.last_activity_at, c.created_at)', night_end) }}
                > {{ portrait_parameter('stall_days') }}
    end as is_stalled
from {{ ref('int_crm__deals_classified') }} as c
inner join {{ ref('stg_crm__deals') }} as d on d.deal_id = c.deal_id
left join {{ ref('exchange_rates') }} as r on r.currency = coalesce(upper(trim(c.currency)), 'CNY')
left join {{ ref('obstacle_terms') }} as o on o.source_reason = lower(trim(d.closed_reason))
left join people as p on p.deal_id = c.deal_id
left join stages as s on s.deal_id = c.deal_id and s.place = 1
left join activities as a on a.deal_id = c.deal_id
where c.created_at is null or c.created_at < {{ night_end }}
