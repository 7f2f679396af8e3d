{# a session ends after a silence of `session_gap_minutes` #}
with gaps as (
    select
        *,
        lag(occurred_at) over (partition by anonymous_id order by occurred_at, event_id) as previous_at
    from {{ ref('int_website__events_enriched') }}
),

starts as (
    select
        *,
        case
            when previous_at is null then 1
            when {{ seconds_between('previous_at', 'occurred_at') }} > {{ var('session_gap_minutes') }} * 60 then 1
            else 0
        end as is_start
    from gaps
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by anonymous_id
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as session_number
    from starts
),

begun as (
    select
        *,
        min(occurred_at) over (partition by anonymous_id, session_number) as started_at
    from numbered
)

select
    event_id,
    anonymous_id,
    occurred_at,
    event_name,
    page_url,
    page_path,
    referrer_domain,
    utm_source,
    utm_medium,
    utm_campaign,
    is_bot,
    bot_name,
    is_page_view,
    session_number,
    started_at,
    -- holds the browser's id: what leaves the house is its keyed hash
    {{ dbt.hash("concat_ws('|', anonymous_id, cast(started_at as varchar))") }} as session_key
from begun
