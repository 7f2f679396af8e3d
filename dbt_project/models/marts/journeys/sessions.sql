{# web sessions; a browser on which one person was identified belongs to that person from its first event #}
with ordered as (
    select
        *,
        row_number() over (partition by session_key order by occurred_at, event_id) as place,
        row_number() over (partition by session_key order by occurred_at desc, event_id desc) as place_from_end
    from {{ ref('int_website__events_sessionized') }}
),

sessions as (
    select
        session_key,
        min(anonymous_id) as anonymous_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        sum(case when is_page_view then 1 else 0 end) as page_views,
        count(*) as event_count,
        max(case when place = 1 then page_url end) as entry_url,
        max(case when place_from_end = 1 then page_url end) as exit_url,
        max(case when is_bot then 1 else 0 end) = 1 as is_bot,
        max(bot_name) as bot_name,
        max(case when is_own_traffic then 1 else 0 end) = 1 as is_own_traffic
    from ordered
    group by session_key
)

select
    {{ keyed_hash('s.session_key') }} as session_id,
    {{ keyed_hash('s.anonymous_id') }} as visitor_key,
    v.contact_id,
    v.account_id,
    s.started_at,
    s.ended_at,
    cast({{ seconds_between('s.started_at', 's.ended_at') }} as bigint) as duration_seconds,
    cast(s.page_views as bigint) as page_views,
    s.event_count,
    r.engaged_seconds,
    s.entry_url,
    s.exit_url,
    r.content_type,
    r.content_type_count,
    r.topic,
    r.purposefulness,
    r.goal,
    d.driver,
    d.sub_driver,
    d.driver_confidence,
    d.driver_evidence,
    c.referrer_domain,
    c.channel,
    c.campaign,
    s.is_bot,
    s.bot_name,
    s.is_own_traffic
from sessions as s
inner join {{ ref('int_website__sessions_channelled') }} as c on c.session_key = s.session_key
left join {{ ref('int_website__sessions_read') }} as r on r.session_key = s.session_key
left join {{ ref('int_website__sessions_driven') }} as d on d.session_key = s.session_key
left join {{ source('identity', 'visitors') }} as v on v.anonymous_id = s.anonymous_id
