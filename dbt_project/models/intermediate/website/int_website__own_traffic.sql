{# events of our own people, by the seed own_traffic #}
with rules as (
    select
        kind,
        trim(value) as value
    from {{ ref('own_traffic') }}
),

events as (
    select
        event_id,
        ip_address,
        user_agent,
        user_id,
        lower({{ dbt.split_part('email', "'@'", 2) }}) as email_domain,
        lower(utm_source) as utm_source,
        lower(utm_medium) as utm_medium,
        lower(utm_campaign) as utm_campaign,
        {{ host_of('page_url') }} as page_host,
        lower({{ path_of('page_url') }}) as page_path
    from {{ ref('stg_website__events') }}
),

-- what many events share is looked at once
addresses as (
    select distinct ip_address
    from events
),

placed_addresses as (
    select
        ip_address,
        {{ address_bits('ip_address') }} as bits
    from addresses
),

agents as (
    select distinct user_agent
    from events
),

pages as (
    select distinct
        page_host,
        page_path
    from events
),

ranges as (
    select
        left(
            {{ address_bits(dbt.split_part('value', "'/'", 1)) }},
            1 + coalesce(cast(nullif({{ dbt.split_part('value', "'/'", 2) }}, '') as integer), 128)
        ) as bits
    from rules
    where kind = 'ip_cidr'
),

own_addresses as (
    select distinct a.ip_address
    from placed_addresses as a
    inner join ranges as r on r.bits = left(a.bits, length(r.bits))
),

own_agents as (
    select distinct a.user_agent
    from agents as a
    inner join rules as r on r.kind = 'user_agent' and {{ matches('a.user_agent', 'r.value') }}
),

own_pages as (
    select distinct
        p.page_host,
        p.page_path,
        r.kind
    from pages as p
    inner join rules as r
        on
            (r.kind = 'host' and {{ matches('p.page_host', 'r.value') }})
            or (r.kind = 'path_prefix' and lower(r.value) = left(p.page_path, length(r.value)))
),

found as (
    select
        e.event_id,
        'ip_cidr' as kind
    from events as e
    inner join own_addresses as a on a.ip_address = e.ip_address
    union all
    select
        e.event_id,
        'user_agent' as kind
    from events as e
    inner join own_agents as a on a.user_agent = e.user_agent
    union all
    select
        e.event_id,
        p.kind
    from events as e
    inner join own_pages as p on p.page_path = e.page_path and p.page_host is not distinct from e.page_host
    union all
    select
        e.event_id,
        r.kind
    from events as e
    inner join rules as r
        on
            (r.kind = 'user_id' and r.value = e.user_id)
            or (r.kind = 'utm' and lower(r.value) in (e.utm_source, e.utm_medium, e.utm_campaign))
            or (
                r.kind = 'email_domain'
                -- the domain itself or one below it
                and concat('.', lower(r.value)) = right(concat('.', e.email_domain), length(r.value) + 1)
            )
)

select
    event_id,
    min(kind) as own_traffic_kind
from found
group by event_id
