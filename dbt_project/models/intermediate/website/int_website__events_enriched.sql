{# every event with its page, its marks, whether a machine sent it and whether it is a page view #}
with events as (
    select
        event_id,
        anonymous_id,
        occurred_at,
        event_name,
        http_status,
        user_agent,
        upper({{ json_text('properties', 'method') }}) as http_method,
        -- what follows ? may hold anything, personal data too: it is looked at and left behind
        {{ before_query('page_url') }} as page_url,
        {{ path_of('page_url') }} as page_path,
        {{ query_of('page_url') }} as page_query,
        {{ host_of('page_url') }} as page_host,
        {{ host_of('referrer_url') }} as referrer_host,
        lower(utm_source) as utm_source,
        lower(utm_medium) as utm_medium,
        utm_campaign
    from {{ ref('stg_website__events') }}
),

requested as (
    select distinct
        page_path,
        page_query
    from events
    where event_name = 'http_request'
),

excluded as (
    select distinct
        r.page_path,
        r.page_query
    from requested as r
    inner join {{ ref('page_exclusions') }} as x
        on {{ matches("lower(case when x.part = 'query' then r.page_query else r.page_path end)", 'x.pattern') }}
)

select
    e.event_id,
    e.anonymous_id,
    e.occurred_at,
    e.event_name,
    e.page_url,
    e.page_path,
    case when e.referrer_host = e.page_host then null else e.referrer_host end as referrer_domain,
    e.utm_source,
    e.utm_medium,
    e.utm_campaign,
    coalesce(a.is_bot, false) as is_bot,
    a.bot_name,
    case
        when e.event_name = 'page_view' then true
        -- an access log knows requests only: answered GETs of what is no part of a page
        when e.event_name = 'http_request'
            then coalesce(e.http_method = 'GET', false) and coalesce(e.http_status, 200) < 400 and x.page_path is null
        else false
    end as is_page_view
from events as e
left join {{ ref('int_website__user_agents_classified') }} as a on a.user_agent = e.user_agent
left join excluded as x on x.page_path = e.page_path and x.page_query = e.page_query
