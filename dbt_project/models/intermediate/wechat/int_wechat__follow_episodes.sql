{#
    how long each person followed: pushed events tell the moments, lists of followers what no event told. A follow is known
    by its time in both, so that it counts once; a leave that no event told lies between two lists
#}
with rules as (
    select max(seconds) as same_follow_seconds
    from {{ ref('follow_rules') }}
    where rule = 'same_follow'
),

pushed as (
    select
        openid,
        created_at as occurred_at,
        lower(event) as event,
        case when substring(event_key, 1, 8) = 'qrscene_' then substring(event_key, 9) end as qr_scene
    from {{ ref('stg_wechat__follower_events') }}
    where lower(event) in ('subscribe', 'unsubscribe')
),

-- a follow and a leave of the same second: a leave needs a follow before it
pushed_in_order as (
    select
        *,
        lag(event) over (partition by openid order by occurred_at, event) as event_before,
        lag(occurred_at) over (partition by openid order by occurred_at, event) as occurred_before
    from pushed
),

-- the same event once more, a little later, is no second one
told as (
    select
        p.openid,
        p.occurred_at,
        p.event,
        p.qr_scene
    from pushed_in_order as p
    cross join rules as r
    where
        p.event_before is distinct from p.event
        or {{ seconds_between('p.occurred_before', 'p.occurred_at') }} > r.same_follow_seconds
),

-- what the lists say of each follow, whichever lists
listed as (
    select
        openid,
        subscribed_at,
        max(subscribe_scene) as subscribe_scene,
        max(qr_scene) as qr_scene,
        max(qr_scene_str) as qr_scene_str,
        min(first_seen_before) as first_seen_before,
        max(last_seen_at) as last_seen_at
    from {{ ref('int_wechat__follower_states') }}
    where is_subscribed
    group by openid, subscribed_at
),

-- the event that is nearest to the time in the list is the same follow
matches as (
    select
        l.openid,
        l.subscribed_at,
        t.occurred_at,
        row_number() over (
            partition by l.openid, l.subscribed_at
            order by abs({{ seconds_between('t.occurred_at', 'l.subscribed_at') }}), t.occurred_at
        ) as place
    from listed as l
    inner join told as t on t.openid = l.openid and t.event = 'subscribe'
    cross join rules as r
    where abs({{ seconds_between('t.occurred_at', 'l.subscribed_at') }}) <= r.same_follow_seconds
),

listed_follows as (
    select
        l.openid,
        m.occurred_at,
        l.subscribed_at,
        l.subscribe_scene,
        l.qr_scene,
        l.qr_scene_str,
        l.first_seen_before,
        l.last_seen_at
    from listed as l
    left join matches as m on m.openid = l.openid and m.subscribed_at = l.subscribed_at and m.place = 1
),

timed_marks as (
    select
        t.openid,
        t.occurred_at as marked_at,
        t.event = 'subscribe' as is_follow,
        t.occurred_at as happened_at,
        'events' as known_by,
        coalesce(t.qr_scene, max(l.qr_scene_str), max(l.qr_scene)) as qr_scene,
        max(l.subscribe_scene) as subscribe_scene,
        max(l.last_seen_at) as last_seen_at
    from told as t
    left join listed_follows as l
        on l.openid = case when t.event = 'subscribe' then t.openid end and l.occurred_at = t.occurred_at
    group by t.openid, t.occurred_at, t.event, t.qr_scene
    union all
    select
        openid,
        coalesce(subscribed_at, first_seen_before) as marked_at,
        true as is_follow,
        subscribed_at as happened_at,
        'snapshots' as known_by,
        coalesce(qr_scene_str, qr_scene) as qr_scene,
        subscribe_scene,
        last_seen_at
    from listed_follows
    where occurred_at is null
),

-- whoever the first list about them calls gone had followed before, and nobody knows since when
marks as (
    select * from timed_marks
    union all
    select
        s.openid,
        s.first_seen_before as marked_at,
        false as is_follow,
        null as happened_at,
        'snapshots' as known_by,
        null as qr_scene,
        null as subscribe_scene,
        null as last_seen_at
    from {{ ref('int_wechat__follower_states') }} as s
    where
        s.state_number = 1
        and not s.is_subscribed
        and not exists (
            select 1 from timed_marks as m
            where m.openid = s.openid and m.marked_at <= s.first_seen_before
        )
),

marks_in_order as (
    select
        *,
        coalesce(
            lag(is_follow) over (partition by openid order by marked_at asc, is_follow desc, known_by asc), false
        ) as follows_before
    from marks
),

-- a leave ends the episode before it; a list that does not say since when tells of the episode that it falls into
numbered as (
    select
        *,
        sum(case when follows_before and (not is_follow or happened_at is null) then 0 else 1 end) over (
            partition by openid order by marked_at asc, is_follow desc, known_by asc
            rows between unbounded preceding and current row
        ) as episode_number
    from marks_in_order
),

episodes as (
    select
        openid,
        episode_number,
        max(case when is_follow then happened_at end) as followed_at,
        min(case when is_follow then marked_at end) as followed_before,
        min(case when is_follow then known_by end) as follow_known_by,
        coalesce(
            max(case when is_follow and known_by = 'events' then qr_scene end),
            max(case when is_follow then qr_scene end)
        ) as qr_scene,
        max(case when is_follow then subscribe_scene end) as subscribe_scene,
        max(case when is_follow then last_seen_at end) as last_seen_at,
        max(case when not is_follow then happened_at end) as left_at,
        max(case when not is_follow and happened_at is null then marked_at end) as called_gone_at
    from numbered
    group by openid, episode_number
),

episodes_in_order as (
    select
        *,
        lead(followed_before) over (partition by openid order by episode_number) as followed_again_at,
        -- the last moment at which they certainly followed
        case
            when last_seen_at > followed_before then last_seen_at
            else followed_before
        end as last_known_at
    from episodes
),

-- a list that began later and is whole, or that calls them gone
lists as (
    select
        started_at,
        finished_at
    from {{ source('landing', 'loads') }}
    where stream = 'wechat' and lists_all_followers
),

newest_list as (
    select max(started_at) as started_at from lists
),

missed as (
    select
        e.openid,
        e.episode_number,
        min(l.finished_at) as missed_before
    from episodes_in_order as e
    cross join newest_list as n
    inner join lists as l on l.started_at > e.last_known_at
    where e.left_at is null and e.last_known_at < n.started_at
    group by e.openid, e.episode_number
),

called_gone as (
    select
        e.openid,
        e.episode_number,
        min(s.first_seen_before) as missed_before
    from episodes_in_order as e
    inner join {{ ref('int_wechat__follower_states') }} as s
        on s.openid = e.openid and not s.is_subscribed and s.first_seen_at > e.last_known_at
    where e.left_at is null
    group by e.openid, e.episode_number
),

-- the earliest of what shows that they are gone: a list without them, a list that says so, that they follow again
gone as (
    select
        e.*,
        coalesce(
            e.called_gone_at,
            least(
                coalesce(m.missed_before, c.missed_before, e.followed_again_at),
                coalesce(c.missed_before, e.followed_again_at, m.missed_before),
                coalesce(e.followed_again_at, m.missed_before, c.missed_before)
            )
        ) as gone_before
    from episodes_in_order as e
    left join missed as m on m.openid = e.openid and m.episode_number = e.episode_number
    left join called_gone as c on c.openid = e.openid and c.episode_number = e.episode_number
)

select
    openid,
    cast(episode_number as integer) as episode_number,
    followed_at,
    coalesce(left_at, gone_before) as unfollowed_at,
    case
        when left_at is not null then left_at
        when gone_before is not null then last_known_at
    end as unfollowed_after,
    qr_scene,
    subscribe_scene,
    -- a code that was scanned says more than the scene, which can be OTHERS all the same
    case when qr_scene is not null then 'ADD_SCENE_QR_CODE' else subscribe_scene end as follow_scene,
    follow_known_by,
    case
        when left_at is not null then 'events'
        when gone_before is null then null
        when gone_before = followed_again_at then 'next_follow'
        else 'snapshots'
    end as unfollow_known_by,
    followed_at is not null and (left_at is not null or gone_before is null) as is_exact
from gone
