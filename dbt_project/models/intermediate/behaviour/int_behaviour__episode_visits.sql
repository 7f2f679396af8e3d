{# the episode that each visit belongs to: visits of one account on one topic with no longer silence between them #}
with gaps as (
    select
        *,
        -- colleagues' visits overlap: silence begins when the last of them has gone
        max(ended_at) over (
            partition by account_id, topic
            order by started_at, session_key
            rows between unbounded preceding and 1 preceding
        ) as quiet_since
    from {{ ref('int_behaviour__topic_visits') }}
),

starts as (
    select
        *,
        case
            when quiet_since is null then 1
            when
                {{ seconds_between('quiet_since', 'started_at') }}
                > {{ behaviour_parameter('topic_gap_days') }} * 86400
                then 1
            else 0
        end as is_start
    from gaps
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by account_id, topic
            order by started_at, session_key
            rows between unbounded preceding and current row
        ) as run
    from starts
),

-- the number counts episodes only: a page read by the way is none
counted as (
    select
        account_id,
        topic,
        run,
        row_number() over (partition by account_id, topic order by run) as episode_number
    from numbered
    group by account_id, topic, run
    having sum(topic_page_views) >= {{ behaviour_parameter('topic_pages_min') }}
)

select
    n.session_key,
    n.account_id,
    n.contact_id,
    n.topic,
    cast(c.episode_number as integer) as episode_number,
    n.started_at,
    n.ended_at,
    n.topic_page_views,
    n.engaged_seconds,
    n.purposefulness,
    n.driver,
    n.sub_driver,
    n.driver_confidence
from numbered as n
inner join counted as c on c.account_id = n.account_id and c.topic = n.topic and c.run = n.run
