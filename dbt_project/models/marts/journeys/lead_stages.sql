{# a lead enters a stage once; a stage it never showed is absent, not made up #}
with leads as (
    select * from {{ ref('int_crm__leads_with_deals') }}
),
deals as (
    select * from {{ ref('int_crm__deals_classified') }}
),
statuses as (
    select
        l.*,
        s.lead_stage,
        -- the CRM tells the present status, not since when: at the latest when it was last changed, or when the deal began
        case when d.created_at < l.updated_at then d.created_at else l.updated_at end as status_at
    from leads as l
    left join deals as d on d.deal_id = l.deal_id
    left join {{ ref('lead_statuses') }} as s on s.source_status = lower(trim(l.source_status))
),
entries as (
    select lead_id, contact_id, account_id, deal_id, 'raw' as stage, created_at as entered_at,
           concat(origin, ' created') as evidence, source_status as source_stage
    from statuses where origin <> 'deal'
    union all
    select lead_id, contact_id, account_id, deal_id, lead_stage, status_at, 'recorded status', source_status
    from statuses where lead_stage in ('mql', 'sql')
    union all
    select l.lead_id, l.contact_id, coalesce(d.account_id, l.account_id), d.deal_id, 'opportunity', d.created_at, 'deal', d.source_stage
    from leads as l inner join deals as d on d.deal_id = l.deal_id
    union all
    select l.lead_id, l.contact_id, coalesce(d.account_id, l.account_id), d.deal_id, d.deal_state, d.closed_at, 'deal', d.source_stage
    from leads as l inner join deals as d on d.deal_id = l.deal_id
    where d.deal_state in ('won', 'lost')
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
