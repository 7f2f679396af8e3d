{# every lead: lead records, contacts that carry a lead status or lifecycle stage, and deals that came from neither #}
with people as (
    select
        source_object,
        source_id,
        contact_id,
        account_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm'
),

lead_records as (
    select
        concat('lead:', l.lead_id) as lead_id,
        p.contact_id,
        p.account_id,
        l.converted_contact_id,
        l.lead_status,
        l.lifecycle_stage,
        l.created_at,
        l.updated_at
    from {{ ref('stg_crm__leads') }} as l
    left join people as p on p.source_object = 'leads' and p.source_id = l.lead_id
    where not coalesce(l.is_deleted, false) and l.merged_into_id is null
),

-- a contact that a lead became is that lead; so is the contact that it was merged into
converted_contacts as (
    select r.converted_contact_id as contact_id
    from lead_records as r
    where r.converted_contact_id is not null
    union
    select c.merged_into_id
    from lead_records as r
    inner join {{ ref('stg_crm__contacts') }} as c on c.contact_id = r.converted_contact_id
    where c.merged_into_id is not null
),

contact_leads as (
    select
        concat('contact:', c.contact_id) as lead_id,
        p.contact_id,
        p.account_id,
        c.lead_status,
        c.lifecycle_stage,
        c.created_at,
        c.updated_at
    from {{ ref('stg_crm__contacts') }} as c
    left join people as p on p.source_object = 'contacts' and p.source_id = c.contact_id
    left join converted_contacts as v on v.contact_id = c.contact_id
    where
        not coalesce(c.is_deleted, false)
        and c.merged_into_id is null
        and coalesce(c.lead_status, c.lifecycle_stage) is not null
        and v.contact_id is null
),

-- what a merged lead became, the lead became that it was merged into
recorded_claims as (
    select
        r.lead_id,
        d.deal_id,
        1 as claim,
        r.created_at as lead_created_at,
        d.created_at as deal_created_at
    from {{ ref('stg_crm__leads') }} as l
    inner join lead_records as r on r.lead_id = concat('lead:', coalesce(l.merged_into_id, l.lead_id))
    inner join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = l.converted_deal_id
),

-- whose person takes part in a deal that began later came to it, whether or not the CRM says so
members as (
    select
        lead_id,
        converted_contact_id as crm_contact_id,
        created_at
    from lead_records
    where converted_contact_id is not null
    union all
    select
        lead_id,
        substring(lead_id, 9) as crm_contact_id,
        created_at
    from contact_leads
),

claims as (
    select * from recorded_claims
    union all
    select
        m.lead_id,
        d.deal_id,
        2 as claim,
        m.created_at as lead_created_at,
        d.created_at as deal_created_at
    from members as m
    inner join {{ ref('stg_crm__deal_contacts') }} as t on t.contact_id = m.crm_contact_id
    inner join {{ ref('int_crm__deals_classified') }} as d on d.deal_id = t.deal_id and d.created_at >= m.created_at
),

-- a lead has one deal: of those that it is said to have become the first, else the first that its person took part in
lead_claims as (
    select
        *,
        row_number() over (
            partition by lead_id order by claim, deal_created_at nulls last, deal_id
        ) as place_of_deal
    from claims
),

-- a deal may have several leads: the one that was first counts for it
lead_deals as (
    select
        lead_id,
        deal_id,
        claim,
        row_number() over (
            partition by deal_id order by claim, lead_created_at nulls last, lead_id
        ) = 1 as is_primary_lead
    from lead_claims
    where place_of_deal = 1
)

select
    'lead' as origin,
    r.lead_id,
    r.contact_id,
    r.account_id,
    d.deal_id,
    d.is_primary_lead,
    r.lead_status,
    r.lifecycle_stage,
    r.created_at,
    r.updated_at
from lead_records as r
left join lead_deals as d on d.lead_id = r.lead_id
union all
select
    'contact' as origin,
    c.lead_id,
    c.contact_id,
    c.account_id,
    d.deal_id,
    d.is_primary_lead,
    c.lead_status,
    c.lifecycle_stage,
    c.created_at,
    c.updated_at
from contact_leads as c
left join lead_deals as d on d.lead_id = c.lead_id
union all
select
    'deal' as origin,
    concat('deal:', d.deal_id) as lead_id,
    cast(null as {{ dbt.type_string() }}) as contact_id,
    d.account_id,
    d.deal_id,
    true as is_primary_lead,
    cast(null as {{ dbt.type_string() }}) as lead_status,
    cast(null as {{ dbt.type_string() }}) as lifecycle_stage,
    d.created_at,
    d.created_at as updated_at
from {{ ref('int_crm__deals_classified') }} as d
where d.deal_id not in (select l.deal_id from lead_deals as l)
