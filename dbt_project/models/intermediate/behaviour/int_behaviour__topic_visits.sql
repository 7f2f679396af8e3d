{# visits of people of an account on a topic, up to the night's date. Who works with a manual uses the product and looks
   for none; what happened before the company was founded was somebody else #}
with reads as (
    select
        r.session_key,
        r.topic,
        sum(r.page_views) as topic_page_views
    from {{ ref('int_website__session_reads') }} as r
    inner join {{ ref('content_types') }} as t on t.content_type = r.content_type
    where t.is_sourcing and r.topic is not null and r.page_views > 0
    group by r.session_key, r.topic
),

sessions as (
    select
        session_key,
        min(anonymous_id) as anonymous_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from {{ ref('int_website__events_sessionized') }}
    group by session_key
    having max(case when is_bot or is_own_traffic then 1 else 0 end) = 0
)

select
    s.session_key,
    v.account_id,
    v.contact_id,
    r.topic,
    s.started_at,
    s.ended_at,
    r.topic_page_views,
    w.engaged_seconds,
    w.purposefulness,
    d.driver,
    d.sub_driver,
    d.driver_confidence
from sessions as s
inner join {{ source('identity', 'visitors') }} as v on v.anonymous_id = s.anonymous_id
inner join {{ ref('int_website__sessions_read') }} as w on w.session_key = s.session_key
inner join reads as r on r.session_key = s.session_key and r.topic = w.topic
left join {{ ref('int_website__sessions_driven') }} as d on d.session_key = s.session_key
left join {{ ref('accounts') }} as a on a.account_id = v.account_id
where
    v.account_id is not null
    and coalesce(d.sub_driver, '') <> 'own_product'
    and s.started_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
    and (a.founded_year is null or extract(year from {{ local_date('s.started_at') }}) >= a.founded_year)
