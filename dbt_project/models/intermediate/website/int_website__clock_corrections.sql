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
        event_id,
        anonymous_id,
        occurred_at,
        received_at,
        cast(received_at as date) as received_date,
        {{ milliseconds_between('occurred_at', 'received_at') }} as delay_ms,
        {{ milliseconds_between('sent_at', 'received_at') }} as sending_ms
    from {{ ref('stg_website__events') }}
    where received_at is not null
),

-- the few whose clocks do not agree
odd_events as (
    select
        e.*,
        t.sent_ms,
        t.ahead_ms,
        t.stable_ms
    from events as e
    inner join tolerances as t
        on
            t.ahead_ms < -e.delay_ms
            or t.sent_ms < abs(e.sending_ms)
            or (e.sending_ms is null and t.off_ms < abs(e.delay_ms))
),

suspected as (
    select
        e.anonymous_id,
        e.received_date
    from odd_events as e
    cross join tolerances as t
    where e.sending_ms is null and abs(e.delay_ms) > t.off_ms
    group by e.anonymous_id, e.received_date
    having
        count(*) >= max(t.stable_share * t.evidence_events)
        and {{ milliseconds_between('min(e.received_at)', 'max(e.received_at)') }} >= max(t.evidence_ms)
),

delays as (
    select
        e.anonymous_id,
        e.received_date,
        e.delay_ms
    from events as e
    inner join suspected as s on s.anonymous_id = e.anonymous_id and s.received_date = e.received_date
    where e.sending_ms is null
),

offsets as (
    select
        anonymous_id,
        received_date,
        {{ median_of('delay_ms') }} as offset_ms
    from delays
    group by anonymous_id, received_date
),

stable as (
    select
        d.anonymous_id,
        d.received_date,
        min(o.offset_ms) as offset_ms
    from delays as d
    inner join offsets as o on o.anonymous_id = d.anonymous_id and o.received_date = d.received_date
    cross join tolerances as t
    group by d.anonymous_id, d.received_date
    having
        count(*) >= max(t.evidence_events)
        and abs(min(o.offset_ms)) > max(t.off_ms)
        and sum(case when abs(d.delay_ms - o.offset_ms) <= t.stable_ms then 1 else 0 end)
        >= max(t.stable_share) * count(*)
),

shifted as (
    select
        e.*,
        case
            when abs(e.sending_ms) > e.sent_ms then e.sending_ms
            when e.sending_ms is null and abs(e.delay_ms - s.offset_ms) <= e.stable_ms then s.offset_ms
        end as shift_ms
    from odd_events as e
    left join stable as s on s.anonymous_id = e.anonymous_id and s.received_date = e.received_date
)

select
    event_id,
    case
        when delay_ms - coalesce(shift_ms, 0) < -ahead_ms then received_at
        else {{ moved_by_milliseconds('occurred_at', 'round(shift_ms)') }}
    end as occurred_at,
    case
        when delay_ms - coalesce(shift_ms, 0) < -ahead_ms then 'received_at'
        when sending_ms is not null then 'sent_at'
        else 'device_offset'
    end as clock_rule
from shifted
where shift_ms is not null or delay_ms < -ahead_ms
