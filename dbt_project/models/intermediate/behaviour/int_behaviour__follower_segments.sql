{# which kind of follower each one is on the night's date. Without any pushed event nobody knows who is active #}
{% set night = "cast('" ~ var("as_of_date") ~ "' as date)" %}
with acts as (
    select
        openid,
        max({{ local_date('created_at') }}) as acted_on
    from {{ ref('stg_wechat__follower_events') }}
    where
        lower(coalesce(event, '')) not in ('subscribe', 'unsubscribe')
        and created_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
    group by openid
),

told as (
    select count(*) > 0 as is_activity_known
    from acts
    where {{ days_between('acted_on', night) }} < {{ behaviour_parameter('follower_active_days') }}
),

newest as (
    select
        *,
        row_number() over (partition by openid order by episode_number desc) as place
    from {{ ref('int_behaviour__follows') }}
),

states as (
    select
        n.openid,
        n.contact_id,
        n.unfollowed_at,
        {{ days_between(local_date('n.followed_at'), night) }} as followed_days,
        case
            when not t.is_activity_known then null
            else coalesce(
                {{ days_between('a.acted_on', night) }} < {{ behaviour_parameter('follower_active_days') }}, false
            )
        end as is_active
    from newest as n
    cross join told as t
    left join acts as a on a.openid = n.openid
    where n.place = 1
),

segmented as (
    select
        s.openid,
        s.contact_id,
        case when s.unfollowed_at is not null then 'unfollowed' else g.follower_segment end as follower_segment,
        -- of the accounts of one person the one that is most alive tells
        row_number() over (
            partition by s.contact_id
            order by
                case when s.unfollowed_at is null then 0 else 1 end asc,
                case when s.is_active then 0 else 1 end asc,
                s.followed_days desc nulls first,
                s.openid asc
        ) as place
    from states as s
    left join {{ ref('follower_segments') }} as g
        on
            -- who followed before anybody wrote it down follows for long
            (g.min_days <= s.followed_days or (s.followed_days is null and g.max_days is null))
            and (g.max_days is null or g.max_days > s.followed_days)
            and coalesce(g.is_active = s.is_active, g.is_active is null)
)

select
    contact_id,
    follower_segment
from segmented
where contact_id is not null and place = 1
