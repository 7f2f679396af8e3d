{# the channel of a session, from the marks of its first event, by the first rule that fits #}
with placed as (
    select
        session_key,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_domain,
        row_number() over (partition by session_key order by occurred_at, event_id) as place
    from {{ ref('int_website__events_sessionized') }}
),

firsts as (
    select
        session_key,
        utm_source,
        utm_medium,
        utm_campaign,
        referrer_domain
    from placed
    where place = 1
),

marks as (
    select distinct
        utm_source,
        utm_medium,
        referrer_domain
    from firsts
),

fitting as (
    select
        m.utm_source,
        m.utm_medium,
        m.referrer_domain,
        r.channel,
        row_number() over (partition by m.utm_source, m.utm_medium, m.referrer_domain order by r.priority) as place
    from marks as m
    inner join {{ ref('channel_rules') }} as r
        on
            (r.utm_medium is null or {{ matches("coalesce(m.utm_medium, '')", 'r.utm_medium') }})
            and (r.utm_source is null or {{ matches("coalesce(m.utm_source, '')", 'r.utm_source') }})
            and (r.referrer_domain is null or {{ matches("coalesce(m.referrer_domain, '')", 'r.referrer_domain') }})
)

select
    f.session_key,
    f.utm_campaign as campaign,
    f.referrer_domain,
    -- without any mark somebody typed the address; with marks that no rule knows nobody can say
    case
        when r.channel is not null then r.channel
        when f.utm_source is null and f.utm_medium is null then 'direct'
        else 'other'
    end as channel
from firsts as f
left join fitting as r
    on
        r.place = 1
        and r.utm_source is not distinct from f.utm_source
        and r.utm_medium is not distinct from f.utm_medium
        and r.referrer_domain is not distinct from f.referrer_domain
