{# what people and accounts that we know read of our offers, our subject and our handbooks, by visit and kind of page;
   one page of an offer in a visit is a glance, more are looking. Bots and our own people are left out #}
with pages as (
    select
        v.account_id,
        v.contact_id,
        e.session_key,
        e.page_path,
        min(e.occurred_at) as occurred_at,
        count(*) as page_views
    from {{ ref('int_website__events_sessionized') }} as e
    inner join {{ source('identity', 'visitors') }} as v on v.anonymous_id = e.anonymous_id
    where e.is_page_view and not e.is_bot and not e.is_own_traffic and coalesce(v.account_id, v.contact_id) is not null
    group by v.account_id, v.contact_id, e.session_key, e.page_path
),

-- every path is compared once, however often it is read
paths as (
    select distinct page_path from pages
),

matched as (
    select
        p.page_path,
        r.evidence,
        r.reason_stage,
        r.reason,
        r.awareness,
        row_number() over (partition by p.page_path order by r.priority) as place
    from paths as p
    inner join {{ ref('journey_pages') }} as r on {{ matches('lower(p.page_path)', 'r.page_path') }}
),

kinds as (
    select
        p.account_id,
        p.contact_id,
        p.session_key,
        p.page_views,
        p.occurred_at,
        coalesce(m.evidence, 'page:glance') as evidence,
        m.reason_stage,
        m.reason,
        m.awareness
    from pages as p
    left join matched as m on m.page_path = p.page_path and m.place = 1
),

visits as (
    select
        session_key,
        sum(case when evidence = 'page:offer' then page_views else 0 end) as offer_pages
    from kinds
    group by session_key
)

select
    k.account_id,
    k.contact_id,
    k.session_key,
    case
        when k.evidence = 'page:offer' and v.offer_pages < {{ journey_parameter('offer_pages') }} then 'page:glance'
        else k.evidence
    end as evidence,
    k.reason_stage,
    k.reason,
    k.awareness,
    min(k.occurred_at) as occurred_at,
    cast(sum(k.page_views) as bigint) as page_views
from kinds as k
inner join visits as v on v.session_key = k.session_key
group by
    k.account_id,
    k.contact_id,
    k.session_key,
    case
        when k.evidence = 'page:offer' and v.offer_pages < {{ journey_parameter('offer_pages') }} then 'page:glance'
        else k.evidence
    end,
    k.reason_stage,
    k.reason,
    k.awareness
