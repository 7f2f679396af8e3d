{# events whose device had a wrong clock, with the time that the receiving server's clock gives them. A clock is judged
   by what arrived on one day: what comes later, late rows above all, belongs to a later day and changes nothing #}
with tolerances as (
    select
        max(case when tolerance = 'sent_seconds' then value end) * 1000 as sent_ms,
        max(case when tolerance = 'ahead_seconds' then value end) * 1000 as ahead_ms,
        max(case when tolerance = 'off_seconds' then value end) * 1000 as off_ms,
        max(case when tolerance = 'stable_seconds' then value end) * 1000 as stable_ms,
        max(case when tolerance = 'stable_share' then value end) as stable_share,
        max(case when tolerance = 'evidence_events' then value end) as evidence_events,
        max(case when tolerance = 'evidence_minutes' then value end) * 60000 as evidence_ms
    from {{ ref('clock_tolerances') }}
),

events as (
    select
        e.event_id,
        e.anonymous_id,
        e.occurred_at,
        e.received_at,
        cast(e.received_at as date) as received_date,
        {{ milliseconds_between('e.occurred_at', 'e.received_at') }} as delay_ms,
        {{ milliseconds_between('e.sent_at', 'e.received_at') }} as sending_ms,
        t.sent_ms,
        t.ahead_ms,
        t.off_ms,
        t.stable_ms,
        t.stable_share,
        t.evidence_events,
        t.evidence_ms
    from {{ ref('stg_website__events') }} as e
    cross join tolerances as t
    where e.received_at is not null
),

-- few days of few devices: only their delays have to be put in order
suspected as (
    select
        anonymous_id,
        received_date
    from events
    where sending_ms is null
    group by anonymous_id, received_date
    having
        count(*) >= max(evidence_events)
        and sum(case when abs(delay_ms) > off_ms then 1 else 0 end) >= max(stable_share) * count(*)
        and {{ milliseconds_between('min(received_at)', 'max(received_at)') }} >= max(evidence_ms)
),

offsets as (
    select
        e.anonymous_id,
        e.received_date,
        {{ median_of('e.delay_ms') }} as offset_ms
    from events as e
    inner join suspected as s on s.anonymous_id = e.anonymous_id and s.received_date = e.received_date
    where e.sending_ms is null
    group by e.anonymous_id, e.received_date
),

stable as (
    select
        e.anonymous_id,
        e.received_date,
        min(o.offset_ms) as offset_ms
    from events as e
    inner join offsets as o on o.anonymous_id = e.anonymous_id and o.received_date = e.received_date
    where e.sending_ms is null
    group by e.anonymous_id, e.received_date
    having
        sum(case when abs(e.delay_ms - o.offset_ms) <= e.stable_ms then 1 else 0 end) >= max(e.stable_share) * count(*)
),

shifted as (
    select
        e.*,
        case
            when abs(e.sending_ms) > e.sent_ms then e.sending_ms
            when e.sending_ms is null and abs(e.delay_ms - s.offset_ms) <= e.stable_ms then s.offset_ms
        end as shift_ms
    from events as e
    left join stable as s on s.anonymous_id = e.anonymous_id and s.received_date = e.received_date
)

select
    event_id,
    case
        when delay_ms - coalesce(shift_ms, 0) < -ahead_ms then received_at
        else {{ dbt.dateadd('millisecond', 'cast(round(shift_ms) as bigint)', 'occurred_at') }}
    end as occurred_at,
    case
        when delay_ms - coalesce(shift_ms, 0) < -ahead_ms then 'received_at'
        when sending_ms is not null then 'sent_at'
        else 'device_offset'
    end as clock_rule
from shifted
where shift_ms is not null or delay_ms < -ahead_ms
