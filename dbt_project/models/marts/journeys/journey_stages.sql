{# the state machine: evidence moves an account forward; only what the seed allows can move it back; between two such
   pieces the stage is the furthest that any evidence reached. Evidence that speaks for no stage belongs to the stage in
   which it falls #}
{% set text = dbt.type_string() %}
with evidence as (
    select
        *,
        row_number() over (
            partition by account_id order by occurred_at, stage_order nulls last, evidence, reason_stage, reason
        ) as place
    from {{ ref('int_journey__evidence') }}
    where not is_impossible
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
    -- what comes before anything that tells a stage
    where state_order is not null
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
        max(case when previous_order is distinct from state_order then stream end) as stream,
        max(case when previous_order > state_order then 1 else 0 end) = 1 as is_back_move,
        max(
            case
                when previous_order is distinct from state_order and state_order > coalesce(previous_order, state_order)
                    then state_order - previous_order - 1
                else 0
            end
        ) as skipped_stages,
        count(*) as evidence_count
    from entries
    group by account_id, entry_number
),

closed as (
    select
        *,
        lead(entered_at) over (partition by account_id order by entry_number) as left_at
    from stages
),

kinds as (
    select
        account_id,
        entry_number,
        stream,
        evidence,
        count(*) as evidence_count
    from entries
    group by account_id, entry_number, stream, evidence
),

summaries as (
    select
        account_id,
        entry_number,
        {{ dbt.listagg(
            "concat(stream, ' ', evidence, ' ', cast(evidence_count as " ~ text ~ "))",
            "'; '",
            "order by evidence_count desc, evidence"
        ) }} as evidence_summary,
        count(distinct stream) as stream_count
    from kinds
    group by account_id, entry_number
),

reasons as (
    select
        e.account_id,
        e.entry_number,
        e.reason,
        count(*) as reason_count,
        row_number() over (
            partition by e.account_id, e.entry_number order by count(*) desc, e.reason
        ) as place
    from entries as e
    inner join {{ ref('journey_stage_order') }} as o on o.stage_order = e.state_order
    -- what customers say counts for use and for renewal
    where
        e.reason is not null
        and (e.reason_stage = o.journey_stage or (e.reason_stage = 'use' and o.journey_stage = 'renew'))
    group by e.account_id, e.entry_number, e.reason
)

select
    {{ dbt.hash("concat_ws('|', c.account_id, cast(c.entry_number as " ~ text ~ "))") }} as journey_stage_id,
    c.account_id,
    o.journey_stage as stage,
    c.stage_order,
    cast(c.entry_number as bigint) as entry_number,
    c.entered_at,
    c.left_at,
    {{ local_date('c.entered_at') }} as valid_from,
    {{ local_date('c.left_at') }} as valid_to,
    cast({{ seconds_between('c.entered_at', 'c.left_at') }} as double) / 86400 as days,
    cast(
        {{ seconds_between('c.entered_at', 'coalesce(c.left_at, ' ~ end_of_day("'" ~ var('as_of_date') ~ "'") ~ ')') }}
        as double
    ) / 86400 as dwell_days,
    c.is_back_move,
    cast(c.skipped_stages as bigint) as skipped_stages,
    c.left_at is null as is_current,
    c.evidence,
    c.stream,
    c.evidence_count,
    s.stream_count,
    s.evidence_summary,
    r.reason,
    r.reason_count
from closed as c
inner join {{ ref('journey_stage_order') }} as o on o.stage_order = c.stage_order
inner join summaries as s on s.account_id = c.account_id and s.entry_number = c.entry_number
left join reasons as r on r.account_id = c.account_id and r.entry_number = c.entry_number and r.place = 1
