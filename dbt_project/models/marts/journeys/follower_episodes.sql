{# each time that somebody followed the Official Account, what they did meanwhile that the account is told of, and what
   came of it #}
{% set text = dbt.type_string() %}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with follows as (
    select * from {{ ref('int_behaviour__follows') }}
),

acts as (
    select
        f.openid,
        f.episode_number,
        sum(case when lower(e.event) in ('click', 'view', 'view_miniprogram') then 1 else 0 end) as menu_count,
        sum(case when lower(e.event) = 'scan' then 1 else 0 end) as scan_count,
        sum(case when coalesce(e.message_type, 'event') <> 'event' then 1 else 0 end) as message_count,
        count(*) as activity_count,
        max(e.created_at) as last_activity_at
    from follows as f
    inner join {{ ref('stg_wechat__follower_events') }} as e
        on
            e.openid = f.openid
            and (f.counted_from is null or e.created_at >= f.counted_from)
            and (f.unfollowed_at is null or e.created_at <= f.unfollowed_at)
            and e.created_at < {{ night_end }}
    where lower(coalesce(e.event, '')) not in ('subscribe', 'unsubscribe')
    group by f.openid, f.episode_number
),

outcomes as (
    select
        f.openid,
        f.episode_number,
        min(case when o.outcome = 'lead' and o.happened_at >= f.followed_at then o.happened_at end) as first_lead_at,
        min(case when o.outcome = 'sql' and o.happened_at >= f.followed_at then o.happened_at end) as first_sql_at,
        min(case when o.outcome = 'won' and o.happened_at >= f.followed_at then o.happened_at end) as first_won_at,
        max(case when o.outcome = 'lead' and o.happened_at < f.followed_at then 1 else 0 end) = 1 as was_lead_before,
        max(case when o.outcome = 'won' and o.happened_at < f.followed_at then 1 else 0 end) = 1 as was_won_before
    from follows as f
    inner join {{ ref('int_behaviour__follower_outcomes') }} as o on o.contact_id = f.contact_id
    where f.followed_at is not null
    group by f.openid, f.episode_number
)

select
    {{ keyed_hash("concat(f.openid, '|', cast(f.episode_number as " ~ text ~ "))") }} as follower_episode_id,
    {{ keyed_hash('f.openid') }} as follower_key,
    f.episode_number,
    f.contact_id,
    f.account_id,
    f.followed_at,
    f.unfollowed_at,
    f.followed_at is not null as is_follow_known,
    f.is_exact,
    f.follow_scene,
    f.qr_scene,
    cast(
        {{ days_between(
            local_date('f.followed_at'),
            "coalesce(" ~ local_date('f.unfollowed_at') ~ ", cast('" ~ var('as_of_date') ~ "' as date))"
        ) }} as bigint
    ) as followed_days,
    cast(coalesce(a.activity_count, 0) as bigint) as activity_count,
    cast(coalesce(a.menu_count, 0) as bigint) as menu_count,
    cast(coalesce(a.scan_count, 0) as bigint) as scan_count,
    cast(coalesce(a.message_count, 0) as bigint) as message_count,
    a.last_activity_at,
    case when f.followed_at is not null then coalesce(o.was_lead_before, false) end as was_lead_before,
    case when f.followed_at is not null then coalesce(o.was_won_before, false) end as was_customer_before,
    o.first_lead_at,
    o.first_sql_at,
    o.first_won_at
from follows as f
left join acts as a on a.openid = f.openid and a.episode_number = f.episode_number
left join outcomes as o on o.openid = f.openid and o.episode_number = f.episode_number
