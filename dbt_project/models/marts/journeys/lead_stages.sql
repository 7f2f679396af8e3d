{# a lead enters a stage once; a stage it never showed is absent, not made up #}
with leads as (
    select * from {{ ref('int_crm__leads_with_deals') }}
),

deals as (
    select * from {{ ref('int_crm__deals_classified') }}
),

recorded as (
    select
        lead_id,
        1 as place,
        lead_status as source_status
    from leads
    union all
    select
        lead_id,
        2 as place,
        lifecycle_stage as source_status
    from leads
),

mapped as (
    select
        r.lead_id,
        r.source_status,
        s.lead_stage,
        row_number() over (partition by r.lead_id order by o.stage_order desc, r.place asc) as place
    from recorded as r
    inner join {{ ref('lead_statuses') }} as s on s.source_status = lower(trim(r.source_status))
    inner join {{ ref('lead_stage_order') }} as o on o.lead_stage = s.lead_stage
),

-- of status and lifecycle stage the one that says more
statuses as (
    select
        l.*,
        m.lead_stage,
        coalesce(m.source_status, l.lead_status, l.lifecycle_stage) as source_status,
        -- the CRM tells the present status, not since when: at the latest since the last change, or since the deal
        case
            when d.created_at < l.created_at then null
            when l.updated_at is null or d.created_at < l.updated_at then d.created_at
            else l.updated_at
        end as status_at
    from leads as l
    left join mapped as m on m.lead_id = l.lead_id and m.place = 1
    left join deals as d on d.deal_id = l.deal_id
),

deal_leads as (
    select
        l.lead_id,
        l.contact_id,
        coalesce(d.account_id, l.account_id) as account_id,
        d.deal_id,
        d.deal_state,
        d.source_stage,
        d.created_at,
        d.closed_at
    from leads as l
    inner join deals as d on d.deal_id = l.deal_id
),

entries as (
    select
        lead_id,
        contact_id,
        account_id,
        deal_id,
        'raw' as stage,
        created_at as entered_at,
        concat(origin, ' created') as evidence,
        source_status as source_stage
    from statuses
    where origin <> 'deal'
    union all
    select
        lead_id,
        contact_id,
        account_id,
        deal_id,
        lead_stage as stage,
        status_at as entered_at,
        'recorded status' as evidence,
        source_status as source_stage
    from statuses
    where lead_stage in ('mql', 'sql')
    union all
    select
        lead_id,
        contact_id,
        account_id,
        deal_id,
        'opportunity' as stage,
        created_at as entered_at,
        'deal' as evidence,
        source_stage
    from deal_leads
    union all
    select
        lead_id,
        contact_id,
        account_id,
        deal_id,
        deal_state as stage,
        closed_at as entered_at,
        'deal' as evidence,
        source_stage
    from deal_leads
    where deal_state in ('won', 'lost')
),

ordered as (
    select
        e.*,
        o.stage_order,
        lead(e.entered_at) over (partition by e.lead_id order by o.stage_order) as left_at,
        row_number() over (partition by e.lead_id order by o.stage_order desc) as place_from_end
    from entries as e
    inner join {{ ref('lead_stage_order') }} as o on o.lead_stage = e.stage
)

select
    {{ dbt.hash("concat_ws('|', lead_id, stage)") }} as lead_stage_id,
    lead_id,
    contact_id,
    account_id,
    deal_id,
    stage,
    stage_order,
    entered_at,
    left_at,
    place_from_end = 1 as is_current,
    evidence,
    source_stage
from ordered
