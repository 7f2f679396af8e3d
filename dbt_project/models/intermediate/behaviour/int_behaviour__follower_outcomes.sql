{# when a follower became a lead and a qualified one, and when their company bought, up to the night's date #}
with people as (
    select distinct
        contact_id,
        account_id
    from {{ ref('int_behaviour__follows') }}
    where contact_id is not null
),

outcomes as (
    select
        p.contact_id,
        case when s.stage = 'raw' then 'lead' else 'sql' end as outcome,
        s.entered_at as happened_at
    from people as p
    inner join {{ ref('lead_stages') }} as s on s.contact_id = p.contact_id
    -- an opportunity was qualified, whatever its lead says
    where s.stage in ('raw', 'sql', 'opportunity')
    union all
    select
        p.contact_id,
        'won' as outcome,
        d.closed_at as happened_at
    from people as p
    inner join {{ ref('int_crm__deals_classified') }} as d on d.account_id = p.account_id
    where d.deal_state = 'won'
)

select distinct
    contact_id,
    outcome,
    happened_at
from outcomes
where happened_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
