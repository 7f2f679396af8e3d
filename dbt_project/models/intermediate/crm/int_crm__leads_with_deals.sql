{# every lead: lead records, contacts that carry a lead status or lifecycle stage, and deals that came from neither #}
with people as (
    select source_object, source_id, contact_id, account_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm'
),
lead_records as (
    select
        concat('lead:', l.lead_id) as lead_id,
        p.contact_id,
        p.account_id,
        l.converted_deal_id as deal_id,
        l.converted_contact_id,
        coalesce(l.lead_status, l.lifecycle_stage) as source_status,
        l.created_at,
        l.updated_at
    from {{ ref('stg_crm__leads') }} as l
    left join people as p on p.source_object = 'leads' and p.source_id = l.lead_id
    where not coalesce(l.is_deleted, false) and l.merged_into_id is null
),
contact_leads as (
    select
        concat('contact:', c.contact_id) as lead_id,
        p.contact_id,
        p.account_id,
        cast(null as {{ dbt.type_string() }}) as deal_id,
        cast(null as {{ dbt.type_string() }}) as converted_contact_id,
        coalesce(c.lead_status, c.lifecycle_stage) as source_status,
        c.created_at,
        c.updated_at
    from {{ ref('stg_crm__contacts') }} as c
    left join people as p on p.source_object = 'contacts' and p.source_id = c.contact_id
    where not coalesce(c.is_deleted, false) and c.merged_into_id is null
      and coalesce(c.lead_status, c.lifecycle_stage) is not null
      and c.contact_id not in (
          select converted_contact_id from lead_records where converted_contact_id is not null
      )
),
lead_deals as (
    -- a deal has one lead: of those that say so, the first
    select l.deal_id, min(l.lead_id) as lead_id
    from lead_records as l
    inner join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = l.deal_id
    group by l.deal_id
),
deal_leads as (
    select
        concat('deal:', d.deal_id) as lead_id,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        d.account_id,
        d.deal_id,
        cast(null as {{ dbt.type_string() }}) as converted_contact_id,
        cast(null as {{ dbt.type_string() }}) as source_status,
        d.created_at,
        d.created_at as updated_at
    from {{ ref('int_crm__deals_classified') }} as d
    where d.deal_id not in (select deal_id from lead_deals)
)
select 'lead' as origin, l.lead_id, l.contact_id, l.account_id, d.deal_id, l.source_status, l.created_at, l.updated_at
from lead_records as l
left join lead_deals as d on d.lead_id = l.lead_id and d.deal_id = l.deal_id
union all
select 'contact', lead_id, contact_id, account_id, deal_id, source_status, created_at, updated_at from contact_leads
union all
select 'deal', lead_id, contact_id, account_id, deal_id, source_status, created_at, updated_at from deal_leads
