{# follow episodes as they stood on the night's date, with whom they belong to #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
select
    e.openid,
    e.episode_number,
    p.contact_id,
    p.account_id,
    e.followed_at,
    case when e.unfollowed_at < {{ night_end }} then e.unfollowed_at end as unfollowed_at,
    e.follow_scene,
    e.qr_scene,
    e.is_exact,
    -- since when what they did counts for this episode
    coalesce(
        e.followed_at, lag(e.unfollowed_at) over (partition by e.openid order by e.episode_number)
    ) as counted_from
from {{ ref('int_wechat__follow_episodes') }} as e
left join {{ source('identity', 'people') }} as p
    on p.source_system = 'wechat' and p.source_object = 'followers' and p.source_id = e.openid
where coalesce(e.followed_at, e.unfollowed_at) < {{ night_end }} or coalesce(e.followed_at, e.unfollowed_at) is null
