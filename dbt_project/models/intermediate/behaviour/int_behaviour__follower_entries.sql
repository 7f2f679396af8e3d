{# from when on a follower is watched as a new or as a long-active one: a new one from the follow, a long-active one
   from the beginning of each month on which they were one. Before the account's records begin nobody knows who left
   again, so nobody counts as new from then #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with acts as (
    select
        openid,
        created_at,
        {{ local_date('created_at') }} as acted_on
    from {{ ref('stg_wechat__follower_events') }}
    where
        lower(coalesce(event, '')) not in ('subscribe', 'unsubscribe')
        and created_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
),

recorded as (
    select min(created_at) as recorded_from
    from {{ ref('stg_wechat__follower_events') }}
),

segments as (
    select
        max(case when follower_segment = 'long_active' then min_days end) as long_days,
        max({{ behaviour_parameter('follower_active_days') }}) as active_days
    from {{ ref('follower_segments') }}
),

follows as (
    select
        *,
        {{ local_date('followed_at') }} as followed_on
    from {{ ref('int_behaviour__follows') }}
),

months as (
    select cast({{ dbt.dateadd('day', 1, 'month_end') }} as date) as month_start
    from ({{ month_ends("(select cast(min(acted_on) as date) from acts)", night) }}) as ends
    where month_end < {{ night }}
),

long_active as (
    select distinct
        f.openid,
        f.contact_id,
        f.follow_scene,
        m.month_start
    from follows as f
    cross join months as m
    cross join segments as s
    inner join acts as a
        on
            a.openid = f.openid
            and a.acted_on < m.month_start
            and {{ days_between('a.acted_on', 'm.month_start') }} <= s.active_days
    where
        (f.followed_on is null or {{ days_between('f.followed_on', 'm.month_start') }} >= s.long_days)
        and (f.unfollowed_at is null or {{ local_date('f.unfollowed_at') }} >= m.month_start)
)

select
    f.openid,
    f.contact_id,
    f.follow_scene,
    'new' as follower_segment,
    f.followed_at as watched_from,
    {{ local_date('f.followed_at') }} as watched_on,
    cast({{ dbt.date_trunc('month', local_date('f.followed_at')) }} as date) as cohort_month
from follows as f
inner join recorded as r on r.recorded_from <= f.followed_at
union all
select
    openid,
    contact_id,
    follow_scene,
    'long_active' as follower_segment,
    {{ end_of_day(dbt.dateadd('day', -1, 'month_start')) }} as watched_from,
    month_start as watched_on,
    month_start as cohort_month
from long_active
