{# events of our own people, by the seed own_traffic; what many events share is looked at once #}
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
        email,
        utm_source,
        utm_medium,
        utm_campaign,
        page_url
    from {{ ref('stg_website__events') }}
),

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

agents as (
    select distinct user_agent
    from events
),

own_agents as (
    select distinct a.user_agent
    from agents as a
    inner join rules as r on r.kind = 'user_agent' and {{ matches('a.user_agent', 'r.value') }}
),

urls as (
    select distinct page_url
    from events
),

pages as (
    select
        page_url,
        {{ host_of('page_url') }} as page_host,
        lower({{ path_of('page_url') }}) as page_path
    from urls
),

own_pages as (
    select distinct
        p.page_url,
        r.kind
    from pages as p
    inner join rules as r
        on
            (r.kind = 'host' and {{ matches('p.page_host', 'r.value') }})
            or (r.kind = 'path_prefix' and lower(r.value) = left(p.page_path, length(r.value)))
),

mails as (
    select distinct email
    from events
),

own_mails as (
    select distinct m.email
    from mails as m
    inner join rules as r
        on
            r.kind = 'email_domain'
            -- the domain itself or one below it
            and concat('.', lower(r.value)) = right(
                concat('.', lower({{ dbt.split_part('m.email', "'@'", 2) }})), length(r.value) + 1
            )
),

own_marks as (
    select lower(value) as mark
    from rules
    where kind = 'utm'
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
    inner join own_pages as p on p.page_url = e.page_url
    union all
    select
        e.event_id,
        'email_domain' as kind
    from events as e
    inner join own_mails as m on m.email = e.email
    union all
    select
        e.event_id,
        'user_id' as kind
    from events as e
    inner join rules as r on r.kind = 'user_id' and r.value = e.user_id
    union all
    select
        e.event_id,
        'utm' as kind
    from events as e
    where
        lower(e.utm_source) in (select m.mark from own_marks as m)
        or lower(e.utm_medium) in (select m.mark from own_marks as m)
        or lower(e.utm_campaign) in (select m.mark from own_marks as m)
)

select
    event_id,
    min(kind) as own_traffic_kind
from found
group by event_id
