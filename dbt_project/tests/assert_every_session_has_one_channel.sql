-- the rules are tried on every session: a tie between two would double it, a lost one would lose its events
{{ config(tags=['marts']) }}

with events as (
    select
        session_key,
        count(*) as event_count
    from {{ ref('int_website__events_sessionized') }}
    group by session_key
),

channels as (
    select
        session_key,
        count(*) as channel_count
    from {{ ref('int_website__sessions_channelled') }}
    group by session_key
)

select
    coalesce(e.session_key, c.session_key) as session_key,
    e.event_count,
    c.channel_count
from events as e
full outer join channels as c on c.session_key = e.session_key
where coalesce(c.channel_count, 0) <> 1 or e.event_count is null
