{# what a session was about: the content type and the topic of most of its pages, how much of it was on that one type,
   and the goal that it reached #}
with reads as (
    select * from {{ ref('int_website__session_reads') }}
),

totals as (
    select
        session_key,
        sum(page_views) as page_views,
        cast(floor(sum(engaged_ms) / 1000e0) as bigint) as engaged_seconds
    from reads
    group by session_key
),

-- the way to a page is no reading: pages of no content that is looked for count where there is nothing else
types as (
    select
        r.session_key,
        r.content_type,
        sum(r.page_views) as page_views,
        row_number() over (
            partition by r.session_key
            order by
                max(case when t.systematic_content is not null or t.is_sourcing then 1 else 0 end) desc,
                sum(r.page_views) desc,
                sum(r.engaged_ms) desc,
                r.content_type asc
        ) as place
    from reads as r
    inner join {{ ref('content_types') }} as t on t.content_type = r.content_type
    where r.page_views > 0
    group by r.session_key, r.content_type
),

counted_types as (
    select
        session_key,
        max(case when place = 1 then content_type end) as content_type,
        max(case when place = 1 then page_views end) as main_page_views,
        count(*) as content_type_count
    from types
    group by session_key
),

topics as (
    select
        session_key,
        topic,
        row_number() over (
            partition by session_key order by sum(page_views) desc, sum(engaged_ms) desc, topic asc
        ) as place
    from reads
    where topic is not null and page_views > 0
    group by session_key, topic
),

goals as (
    select
        e.session_key,
        min(g.goal) as goal
    from {{ ref('int_website__events_sessionized') }} as e
    inner join {{ ref('session_goals') }} as g on g.event_name = lower(e.event_name)
    group by e.session_key
)

select
    s.session_key,
    s.engaged_seconds,
    c.content_type,
    cast(coalesce(c.content_type_count, 0) as bigint) as content_type_count,
    p.topic,
    case
        when s.page_views >= {{ behaviour_parameter('purposeful_pages_min') }}
            then cast(c.main_page_views as double) / s.page_views
    end as purposefulness,
    g.goal
from totals as s
left join counted_types as c on c.session_key = s.session_key
left join topics as p on p.session_key = s.session_key and p.place = 1
left join goals as g on g.session_key = s.session_key
