{# what kind of content a page or an article is and what it is about: the first rule of the seed that fits its path or
   its title. Every page is looked at once, however often it is read #}
with titles as (
    select
        {{ path_of('page_url') }} as content_id,
        coalesce(page_title, '') as title,
        count(*) as event_count
    from {{ ref('stg_website__events') }}
    where page_url is not null
    group by {{ path_of('page_url') }}, coalesce(page_title, '')
),

-- a page is called what it was called most often
placed_titles as (
    select
        content_id,
        title,
        row_number() over (
            partition by content_id order by case when title = '' then 1 else 0 end asc, event_count desc, title asc
        ) as place
    from titles
),

placed_articles as (
    select
        msgid,
        title,
        row_number() over (partition by msgid order by stat_date desc) as place
    from {{ ref('stg_wechat__article_stats') }}
    where title is not null
),

contents as (
    select
        'page' as content_kind,
        content_id,
        lower(content_id) as path,
        lower(title) as title
    from placed_titles
    where place = 1
    union all
    -- the address of an article tells nothing of what is in it
    select
        'article' as content_kind,
        msgid as content_id,
        '' as path,
        lower(title) as title
    from placed_articles
    where place = 1
),

typed as (
    select
        c.content_kind,
        c.content_id,
        r.content_type,
        row_number() over (partition by c.content_kind, c.content_id order by r.priority) as place
    from contents as c
    inner join {{ ref('content_type_rules') }} as r
        on
            (r.part = 'title' or c.content_kind = 'page')
            and {{ matches("case when r.part = 'path' then c.path else c.title end", 'r.pattern') }}
),

-- the house's own products come first, the longest name of those that stand in the title
products as (
    select distinct
        trim(name) as topic,
        lower(trim(name)) as name
    from {{ ref('stg_crm__products') }}
    where length(trim(name)) >= 2
),

topics as (
    select
        c.content_kind,
        c.content_id,
        p.topic,
        -length(p.name) as priority
    from contents as c
    inner join products as p on {{ dbt.position('p.name', 'c.title') }} > 0
    union all
    select
        c.content_kind,
        c.content_id,
        t.topic,
        t.priority
    from contents as c
    inner join {{ ref('content_topics') }} as t on {{ matches("concat(c.path, ' ', c.title)", 't.pattern') }}
),

placed_topics as (
    select
        *,
        row_number() over (partition by content_kind, content_id order by priority, topic) as place
    from topics
)

select
    c.content_kind,
    c.content_id,
    coalesce(t.content_type, case when c.content_kind = 'article' then 'article' end) as content_type,
    p.topic
from contents as c
left join typed as t
    on t.content_kind = c.content_kind and t.content_id = c.content_id and t.place = 1
left join placed_topics as p
    on p.content_kind = c.content_kind and p.content_id = c.content_id and p.place = 1
