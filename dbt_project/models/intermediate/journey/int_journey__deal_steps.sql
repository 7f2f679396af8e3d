{# the open stages of every deal with the moments at which it entered and left them. A deal that closes before it opens
   has been open at the moment of its end alone #}
with deals as (
    select * from {{ ref('int_crm__deals_classified') }}
    where account_id is not null
),

stage_history as (
    select
        d.deal_id,
        h.entered_at as occurred_at,
        coalesce(s.journey_stage, 'weigh') as journey_stage
    from {{ ref('stg_crm__deal_stage_history') }} as h
    inner join deals as d on d.deal_id = h.deal_id
    left join {{ ref('deal_stages') }} as s on s.source_stage = lower(trim(h.stage))
    where
        coalesce(s.deal_state, 'open') = 'open'
        and h.entered_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
),

steps as (
    select * from stage_history
    union all
    -- a deal without a history still has a beginning
    select
        d.deal_id,
        d.created_at as occurred_at,
        'weigh' as journey_stage
    from deals as d
    where d.created_at is not null and d.deal_id not in (select h.deal_id from stage_history as h)
),

-- a deal enters its stages before it closes: closing dates without a time of day would say otherwise
dated as (
    select
        d.account_id,
        s.deal_id,
        s.journey_stage,
        o.stage_order,
        case when d.deal_state <> 'open' then d.closed_at end as closed_at,
        case
            when d.deal_state <> 'open' and d.closed_at < s.occurred_at then d.closed_at else s.occurred_at
        end as occurred_at
    from steps as s
    inner join deals as d on d.deal_id = s.deal_id
    inner join {{ ref('journey_stage_order') }} as o on o.journey_stage = s.journey_stage
),

placed as (
    select
        *,
        row_number() over (partition by deal_id order by occurred_at, stage_order) as step,
        lag(stage_order) over (partition by deal_id order by occurred_at, stage_order) as order_before,
        min(occurred_at) over (partition by deal_id) as opened_at,
        max(occurred_at) over (partition by deal_id) as last_step_at
    from dated
)

select
    account_id,
    deal_id,
    step,
    journey_stage,
    stage_order,
    occurred_at,
    opened_at,
    -- nobody tidies up every deal: one in which nothing happens any more has ended, in fact
    coalesce(
        closed_at,
        {{ dbt.dateadd('day', 'cast(' ~ journey_parameter('deal_stale_days') ~ ' as integer)', 'last_step_at') }}
    ) as ended_at,
    coalesce(stage_order < order_before, false) as is_fall
from placed
