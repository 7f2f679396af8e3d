{# which criteria of the stages a lead met, and when first. One row per lead and criterion that it met #}
{% set night_end = end_of_day("'" ~ var('as_of_date') ~ "'") %}
with leads as (
    select
        l.*,
        r.score,
        case
            when l.origin = 'lead' then substring(l.lead_id, 6)
        end as source_lead_id
    from {{ ref('int_crm__leads_with_deals') }} as l
    left join {{ ref('stg_crm__leads') }} as r
        on r.lead_id = case when l.origin = 'lead' then substring(l.lead_id, 6) end
),

people as (
    select
        contact_id,
        max(case when email is not null or phone is not null then 1 else 0 end) = 1 as is_reachable
    from {{ source('identity', 'people') }}
    group by contact_id
),

crm_people as (
    select
        source_id,
        contact_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm' and source_object = 'contacts'
),

roles as (
    select
        contact_id,
        min(valid_from) as known_at
    from {{ ref('contact_role_tags') }}
    where tag_type = 'decision_role' and is_selected
    group by contact_id
),

talks as (
    select
        p.contact_id,
        min(a.occurred_at) as talked_at,
        min(case when t.activity_type in ('meeting', 'demo') then a.occurred_at end) as met_at
    from {{ ref('stg_crm__activities') }} as a
    inner join crm_people as p on p.source_id = a.contact_id
    inner join {{ ref('activity_types') }} as t on t.source_type = lower(trim(a.activity_type))
    where t.activity_type in ('call', 'meeting', 'demo')
    group by p.contact_id
),

offers as (
    select
        contact_id,
        min(occurred_at) as looked_at
    from {{ ref('int_journey__pages_read') }}
    where evidence = 'page:offer' and contact_id is not null
    group by contact_id
),

answers as (
    select
        m.lead_id as source_lead_id,
        p.contact_id,
        min(m.responded_at) as answered_at
    from {{ ref('stg_crm__campaign_members') }} as m
    left join crm_people as p on p.source_id = m.contact_id
    where m.responded_at is not null and not coalesce(m.is_deleted, false)
    group by m.lead_id, p.contact_id
),

-- by the lead itself or by whom it is
answered as (
    select
        l.lead_id,
        a.answered_at
    from leads as l
    inner join answers as a on a.source_lead_id = l.source_lead_id
    union all
    select
        l.lead_id,
        a.answered_at
    from leads as l
    inner join answers as a on a.contact_id = l.contact_id
),

met as (
    select
        l.lead_id,
        'reachable' as criterion,
        l.created_at as met_at
    from leads as l
    inner join people as p on p.contact_id = l.contact_id
    where p.is_reachable
    union all
    select
        lead_id,
        'company_known' as criterion,
        created_at as met_at
    from leads
    where account_id is not null
    union all
    select
        lead_id,
        'scored_high' as criterion,
        updated_at as met_at
    from leads
    where score >= {{ lead_parameter('lead_score_high') }}
    union all
    select
        l.lead_id,
        'looked_at_offer' as criterion,
        o.looked_at as met_at
    from leads as l
    inner join offers as o on o.contact_id = l.contact_id
    union all
    select
        lead_id,
        'answered_campaign' as criterion,
        min(answered_at) as met_at
    from answered
    group by lead_id
    union all
    select
        l.lead_id,
        'talked' as criterion,
        t.talked_at as met_at
    from leads as l
    inner join talks as t on t.contact_id = l.contact_id
    union all
    select
        l.lead_id,
        'met' as criterion,
        t.met_at
    from leads as l
    inner join talks as t on t.contact_id = l.contact_id
    where t.met_at is not null
    union all
    select
        l.lead_id,
        'role_known' as criterion,
        coalesce(r.known_at, l.created_at) as met_at
    from leads as l
    inner join roles as r on r.contact_id = l.contact_id
    union all
    select
        l.lead_id,
        'deal_open' as criterion,
        d.created_at as met_at
    from leads as l
    inner join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = l.deal_id
    union all
    select
        l.lead_id,
        'amount_known' as criterion,
        d.created_at as met_at
    from leads as l
    inner join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = l.deal_id
    where d.amount > 0
)

select
    m.lead_id,
    m.criterion,
    c.lead_stage,
    c.points,
    c.is_required,
    -- what was so before there was a lead was so when it came
    case when m.met_at < l.created_at then l.created_at else m.met_at end as met_at
from met as m
inner join leads as l on l.lead_id = m.lead_id
inner join {{ ref('lead_criteria') }} as c on c.criterion = m.criterion
where m.met_at is null or m.met_at < {{ night_end }}
