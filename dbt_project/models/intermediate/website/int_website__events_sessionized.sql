{# sessions: the source's own where it names them; elsewhere one ends after a silence of `session_gap_minutes`, and,
   where the house counts so, at midnight or when another campaign brings the visitor back. An event without a session
   of the source's, such as one that a server sent, belongs to what the browser did before it #}
with marked as (
    select
        *,
        case
            when coalesce(utm_source, utm_medium, utm_campaign) is not null
                then concat_ws('|', coalesce(utm_source, ''), coalesce(utm_medium, ''), coalesce(utm_campaign, ''))
        end as campaign_mark
    from {{ ref('int_website__events_enriched') }}
),

gaps as (
    select
        *,
        lag(occurred_at) over (partition by anonymous_id order by occurred_at, event_id) as previous_at,
        60000 * {{ var('session_gap_minutes') }} as gap_ms,
        {{ filled_before('campaign_mark', 'anonymous_id', 'occurred_at, event_id') }} as previous_mark
    from marked
),

starts as (
    select
        *,
        case
            when source_session_id is not null then 1
            when previous_at is null then 1
            when {{ milliseconds_between('previous_at', 'occurred_at') }} > gap_ms then 1
            {% if var('session_ends_at_midnight') -%}
                when {{ local_date('previous_at') }} <> {{ local_date('occurred_at') }} then 1
            {% endif -%}
            {% if var('session_ends_at_new_campaign') -%}
                -- a visitor who came without a mark and comes back by a campaign counts too
                when campaign_mark <> coalesce(previous_mark, '') then 1
            {% endif -%}
            else 0
        end as is_start
    from gaps
),

-- a run is one event of a session of the source's, or the first event after a silence, and what follows it
runs as (
    select
        *,
        sum(is_start) over (
            partition by anonymous_id
            order by occurred_at, event_id
            rows between unbounded preceding and current row
        ) as run
    from starts
),

named as (
    select
        *,
        max(source_session_id) over (partition by anonymous_id, run) as run_session_id
    from runs
),

grouped as (
    select
        *,
        case when run_session_id is null then run end as own_run,
        case when run_session_id is not null then concat('session|', run_session_id) end as session_mark
    from named
),

begun as (
    select
        *,
        min(occurred_at) over (partition by anonymous_id, run_session_id, own_run) as started_at
    from grouped
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
    is_own_traffic,
    is_page_view,
    run_session_id as source_session_id,
    dense_rank() over (partition by anonymous_id order by started_at, run_session_id, own_run) as session_number,
    started_at,
    -- holds the browser's id: what leaves the house is its keyed hash
    {% set mark = "coalesce(session_mark, " ~ moment_text("started_at") ~ ")" -%}
    {{ dbt.hash("concat_ws('|', anonymous_id, " ~ mark ~ ")") }} as session_key
from begun
