{# how often a person read pages that tell of a role; bots and pages that no rule knows are left out #}
with pages as (
    select
        v.contact_id,
        e.page_path,
        min(e.occurred_at) as first_at,
        count(*) as page_views
    from {{ ref('int_website__events_sessionized') }} as e
    inner join {{ source('identity', 'visitors') }} as v on v.anonymous_id = e.anonymous_id
    where e.is_page_view and not e.is_bot and v.contact_id is not null
    group by v.contact_id, e.page_path
),

-- every path is compared once, however often it is read
paths as (
    select distinct page_path from pages
),

signals as (
    select
        p.page_path,
        s.signal
    from paths as p
    inner join {{ ref('role_signals') }} as s on {{ matches('lower(p.page_path)', 's.page_path') }}
    where s.page_path is not null
)

select
    p.contact_id,
    s.signal,
    cast(sum(p.page_views) as bigint) as signal_count,
    min(p.first_at) as first_at
from pages as p
inner join signals as s on s.page_path = p.page_path
group by p.contact_id, s.signal
