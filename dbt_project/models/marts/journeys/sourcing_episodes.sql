{# the times in which an account busied itself with a topic #}
{% set text = dbt.type_string() %}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with visits as (
    select * from {{ ref('int_behaviour__episode_visits') }}
),

episodes as (
    select
        account_id,
        topic,
        episode_number,
        min(started_at) as started_at,
        max(ended_at) as ended_at,
        count(*) as session_count,
        count(distinct contact_id) as contact_count,
        sum(topic_page_views) as page_views,
        sum(engaged_seconds) as engaged_seconds,
        round(sum(purposefulness * topic_page_views), 6)
        / nullif(sum(case when purposefulness is not null then topic_page_views end), 0) as purposefulness
    from visits
    group by account_id, topic, episode_number
),

dated as (
    select
        *,
        {{ local_date('started_at') }} as started_on,
        {{ local_date('ended_at') }} as ended_on,
        lag(started_at) over (partition by account_id, topic order by episode_number) as started_before_at
    from episodes
),

-- how regular the distances between the beginnings are
distances as (
    select
        account_id,
        topic,
        count(*) as episode_count,
        avg({{ seconds_between('started_before_at', 'started_at') }} / 86400e0) as mean_days,
        stddev_pop({{ seconds_between('started_before_at', 'started_at') }} / 86400e0) as deviation_days
    from dated
    group by account_id, topic
),

drivers as (
    select
        account_id,
        topic,
        episode_number,
        driver,
        sum(driver_confidence) as weight
    from visits
    where driver is not null
    group by account_id, topic, episode_number, driver
),

placed_drivers as (
    select
        account_id,
        topic,
        episode_number,
        driver,
        round(weight / sum(weight) over (partition by account_id, topic, episode_number), 6) as driver_share,
        row_number() over (
            partition by account_id, topic, episode_number order by round(weight, 6) desc, driver desc
        ) as place
    from drivers
),

placed_sub_drivers as (
    select
        account_id,
        topic,
        episode_number,
        driver,
        sub_driver,
        row_number() over (
            partition by account_id, topic, episode_number, driver
            order by round(sum(driver_confidence), 6) desc, sub_driver asc
        ) as place
    from visits
    where driver is not null
    group by account_id, topic, episode_number, driver, sub_driver
),

list as (
    select distinct systematic_content
    from {{ ref('content_types') }}
    where systematic_content is not null
),

read_contents as (
    select distinct
        v.account_id,
        v.topic,
        v.episode_number,
        t.systematic_content
    from visits as v
    inner join {{ ref('int_website__session_reads') }} as r on r.session_key = v.session_key and r.topic = v.topic
    inner join {{ ref('content_types') }} as t on t.content_type = r.content_type
    where t.systematic_content is not null and r.page_views > 0
),

covered as (
    select
        e.account_id,
        e.topic,
        e.episode_number,
        count(r.systematic_content) as covered_count,
        count(*) as listed_count,
        {{ dbt.listagg(
            'r.systematic_content', "', '", 'order by r.systematic_content'
        ) }} as covered_contents,
        {{ dbt.listagg(
            'case when r.systematic_content is null then l.systematic_content end', "', '",
            'order by l.systematic_content'
        ) }} as missing_contents
    from episodes as e
    cross join list as l
    left join read_contents as r
        on
            r.account_id = e.account_id
            and r.topic = e.topic
            and r.episode_number = e.episode_number
            and r.systematic_content = l.systematic_content
    group by e.account_id, e.topic, e.episode_number
)

select
    {{ dbt.hash("concat_ws('|', e.account_id, e.topic, cast(e.episode_number as " ~ text ~ "))") }}
        as sourcing_episode_id,
    e.account_id,
    e.topic,
    e.episode_number,
    e.started_at,
    e.ended_at,
    cast({{ days_between('e.started_on', 'e.ended_on') }} + 1 as bigint) as days,
    {{ days_between('e.ended_on', night) }} <= {{ behaviour_parameter('topic_gap_days') }} as is_open,
    case
        when
            d.episode_count >= {{ behaviour_parameter('periodic_episodes_min') }}
            and d.deviation_days <= {{ behaviour_parameter('periodic_variation_max') }} * d.mean_days
            then 'periodic'
        else 'staged'
    end as pattern,
    p.driver,
    s.sub_driver,
    p.driver_share,
    e.purposefulness,
    cast(e.session_count as bigint) as session_count,
    cast(e.contact_count as bigint) as contact_count,
    cast(e.page_views as bigint) as page_views,
    cast(e.engaged_seconds as bigint) as engaged_seconds,
    -- a short episode is counted as a week: two visits of one day are not fourteen a week
    e.session_count * 7e0 / greatest({{ days_between('e.started_on', 'e.ended_on') }} + 1, 7) as sessions_per_week,
    cast(c.covered_count as bigint) as covered_count,
    cast(c.covered_count as double) / c.listed_count as covered_share,
    c.covered_contents,
    c.missing_contents
from dated as e
left join distances as d on d.account_id = e.account_id and d.topic = e.topic
left join covered as c
    on c.account_id = e.account_id and c.topic = e.topic and c.episode_number = e.episode_number
left join placed_drivers as p
    on p.account_id = e.account_id and p.topic = e.topic and p.episode_number = e.episode_number and p.place = 1
left join placed_sub_drivers as s
    on
        s.account_id = e.account_id
        and s.topic = e.topic
        and s.episode_number = e.episode_number
        and s.driver = p.driver
        and s.place = 1
