{# a session ends after a silence of `session_gap_minutes` #}
with events as (
    select * from {{ ref('int_website__events_enriched') }}
),
gaps as (
    select
        *,
        lag(occurred_at) over (partition by anonymous_id order by occurred_at, event_id) as previous_at
    from events
),
starts as (
    select
        *,
        case
            when previous_at is null then 1
            when {{ dbt.datediff('previous_at', 'occurred_at', 'second') }} > {{ var('session_gap_minutes') }} * 60 then 1
            else 0
        end as is_start
    from gaps
),
numbered as (
    select
        *,
        sum(is_start) over (
            partition by anonymous_id order by occurred_at, event_id rows between unbounded preceding and current row
        ) as session_number
    from starts
)
select
    *,
    {{ dbt.hash("concat_ws('|', anonymous_id, cast(min(occurred_at) over (partition by anonymous_id, session_number) as varchar))") }} as session_id
from numbered
