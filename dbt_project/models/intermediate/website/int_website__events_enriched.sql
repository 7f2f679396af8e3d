{# every event with its time, its page, its marks, whether a machine or one of us sent it, whether it is a page view #}
with events as (
    select
        event_id,
        anonymous_id,
        session_id as source_session_id,
        occurred_at as device_occurred_at,
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
    e.source_session_id,
    coalesce(c.occurred_at, e.device_occurred_at) as occurred_at,
    e.device_occurred_at,
    c.event_id is not null as is_clock_corrected,
    c.clock_rule,
    e.event_name,
    e.page_url,
    e.page_path,
    case when e.referrer_host = e.page_host then null else e.referrer_host end as referrer_domain,
    e.utm_source,
    e.utm_medium,
    e.utm_campaign,
    -- every browser says what it is; the other tools need not keep it
    case
        when e.event_name = 'http_request' and e.user_agent is null then true
        else coalesce(a.is_bot, false)
    end as is_bot,
    case
        when e.event_name = 'http_request' and e.user_agent is null then 'no user agent'
        else a.bot_name
    end as bot_name,
    o.event_id is not null as is_own_traffic,
    o.own_traffic_kind,
    case
        when e.event_name = 'page_view' then true
        -- an access log knows requests only: answered GETs of what is no part of a page
        when e.event_name = 'http_request'
            then coalesce(e.http_method = 'GET', false) and coalesce(e.http_status, 200) < 400 and x.page_path is null
        else false
    end as is_page_view
from events as e
left join {{ ref('int_website__user_agents_classified') }} as a on a.user_agent = e.user_agent
left join {{ ref('int_website__clock_corrections') }} as c on c.event_id = e.event_id
left join {{ ref('int_website__own_traffic') }} as o on o.event_id = e.event_id
left join excluded as x on x.page_path = e.page_path and x.page_query = e.page_query
