{# what was read in a session, and for how long: the time to the session's next event, of which a long pause counts in
   part only. What came last lasted nobody knows how long #}
with events as (
    select
        session_key,
        page_path,
        is_page_view,
        {{ milliseconds_between(
            'occurred_at', 'lead(occurred_at) over (partition by session_key order by occurred_at, event_id)'
        ) }} as pause_ms
    from {{ ref('int_website__events_sessionized') }}
),

counted as (
    select
        session_key,
        page_path,
        is_page_view,
        case
            when pause_ms > {{ behaviour_parameter('engaged_gap_seconds') }} * 1000
                then {{ behaviour_parameter('engaged_gap_seconds') }} * 1000
            else coalesce(pause_ms, 0)
        end as engaged_ms
    from events
)

select
    e.session_key,
    c.content_type,
    c.topic,
    sum(case when e.is_page_view then 1 else 0 end) as page_views,
    cast(sum(e.engaged_ms) as bigint) as engaged_ms
from counted as e
left join {{ ref('int_content__classified') }} as c on c.content_kind = 'page' and c.content_id = e.page_path
group by e.session_key, c.content_type, c.topic
