{# the state machine: evidence moves an account forward; only what the CRM records can move it back; between two such
   records the stage is the furthest that any evidence reached #}
with evidence as (
    select
        *,
        row_number() over (partition by account_id order by occurred_at, stage_order, evidence) as place
    from {{ ref('int_journey__evidence') }}
),

segments as (
    select
        *,
        sum(case when can_move_back then 1 else 0 end) over (
            partition by account_id
            order by place
            rows between unbounded preceding and current row
        ) as segment
    from evidence
),

states as (
    select
        *,
        max(stage_order) over (
            partition by account_id, segment
            order by place
            rows between unbounded preceding and current row
        ) as state_order
    from segments
),

changes as (
    select
        *,
        lag(state_order) over (partition by account_id order by place) as previous_order
    from states
),

entries as (
    select
        *,
        sum(case when previous_order is distinct from state_order then 1 else 0 end) over (
            partition by account_id
            order by place
            rows between unbounded preceding and current row
        ) as entry_number
    from changes
),

stages as (
    select
        account_id,
        entry_number,
        min(state_order) as stage_order,
        min(occurred_at) as entered_at,
        max(case when previous_order is distinct from state_order then evidence end) as evidence,
        max(case when previous_order > state_order then 1 else 0 end) = 1 as is_back_move,
        count(*) as evidence_count
    from entries
    group by account_id, entry_number
),

closed as (
    select
        *,
        lead(entered_at) over (partition by account_id order by entry_number) as left_at
    from stages
)

select
    {{ dbt.hash("concat_ws('|', c.account_id, cast(c.entry_number as varchar))") }} as journey_stage_id,
    c.account_id,
    o.journey_stage as stage,
    c.stage_order,
    c.entered_at,
    c.left_at,
    cast({{ seconds_between('c.entered_at', 'c.left_at') }} as double) / 86400 as days,
    c.is_back_move,
    c.left_at is null as is_current,
    c.evidence,
    c.evidence_count
from closed as c
inner join {{ ref('journey_stage_order') }} as o on o.stage_order = c.stage_order
