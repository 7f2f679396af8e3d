with events as (
    select * from {{ ref('stg_website__events') }}
),
agents as (
    select * from {{ ref('int_website__user_agents_classified') }}
),
parts as (
    select
        event_id,
        anonymous_id,
        occurred_at,
        event_name,
        http_status,
        user_agent,
        {{ json_text('properties', 'method') }} as http_method,
        -- what follows ? may hold anything, personal data too
        {{ before_query('page_url') }} as page_url,
        {{ path_of('page_url') }} as page_path,
        {{ host_of('page_url') }} as page_host,
        {{ host_of('referrer_url') }} as referrer_host,
        lower(utm_source) as utm_source,
        lower(utm_medium) as utm_medium,
        utm_campaign
    from events
),
excluded as (
    select distinct p.page_path
    from (select distinct page_path from parts) as p
    inner join {{ ref('page_exclusions') }} as x on {{ matches('lower(p.page_path)', 'x.pattern') }}
)
select
    p.event_id,
    p.anonymous_id,
    p.occurred_at,
    p.event_name,
    p.page_url,
    p.page_path,
    case when p.referrer_host = p.page_host then null else p.referrer_host end as referrer_domain,
    p.utm_source,
    p.utm_medium,
    p.utm_campaign,
    coalesce(a.is_bot, false) as is_bot,
    a.bot_name,
    case
        when p.event_name = 'page_view' then true
        -- an access log knows requests only: answered GETs of what is no part of a page
        when p.event_name = 'http_request'
            then p.http_method = 'GET' and coalesce(p.http_status, 200) < 400 and e.page_path is null
        else false
    end as is_page_view
from parts as p
left join agents as a on a.user_agent = p.user_agent
left join excluded as e on e.page_path = p.page_path
