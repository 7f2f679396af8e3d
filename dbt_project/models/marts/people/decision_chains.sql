{# for every open deal and every slot of the chain who fills it, how that is known, and what is missing #}
with deals as (
    select
        deal_id,
        account_id
    from {{ ref('int_crm__deals_classified') }}
    where deal_state = 'open'
),

people as (
    select
        source_id,
        contact_id
    from {{ source('identity', 'people') }}
    where source_system = 'crm' and source_object = 'contacts'
),

-- recorded on this very deal
recorded as (
    select
        d.deal_id,
        t.buying_influence as role_slot,
        p.contact_id,
        'recorded on the deal' as known_by,
        cast(0.95 as double) as confidence,
        1 as rank_of_method
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join people as p on p.source_id = d.contact_id
    inner join {{ ref('role_terms') }} as t on t.source_role = lower(trim(d.role))
    where t.buying_influence is not null
),

-- named on the deal or active in it, with the role that the person's tags give
involved as (
    select
        d.deal_id,
        p.contact_id
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join people as p on p.source_id = d.contact_id
    union
    select
        deal_id,
        contact_id
    from {{ ref('int_people__activities_joined') }}
    where deal_id is not null
),

tags as (
    select
        contact_id,
        tag as role_slot,
        max(tag_confidence) as confidence
    from {{ ref('contact_role_tags') }}
    where tag_type = 'buying_influence' and is_selected
    group by contact_id, tag
),

candidates as (
    select * from recorded
    union all
    select
        i.deal_id,
        t.role_slot,
        i.contact_id,
        'takes part in the deal' as known_by,
        t.confidence,
        2 as rank_of_method
    from involved as i
    inner join tags as t on t.contact_id = i.contact_id
    union all
    -- at the company, but not seen on this deal
    select
        d.deal_id,
        t.role_slot,
        c.contact_id,
        'known at the company' as known_by,
        t.confidence * 0.6 as confidence,
        3 as rank_of_method
    from deals as d
    inner join {{ ref('contacts') }} as c on c.account_id = d.account_id
    inner join tags as t on t.contact_id = c.contact_id
),

placed as (
    select
        *,
        row_number() over (
            partition by deal_id, role_slot order by rank_of_method asc, confidence desc, contact_id asc
        ) as place,
        count(*) over (partition by deal_id, role_slot) as candidate_count
    from candidates
),

slots as (
    select
        d.deal_id,
        d.account_id,
        s.role_slot,
        s.slot_order,
        s.is_required,
        p.contact_id,
        p.known_by,
        p.confidence,
        coalesce(p.candidate_count, 0) as candidate_count,
        coalesce(p.rank_of_method <= 2, false) as is_covered
    from deals as d
    cross join {{ ref('decision_chain_slots') }} as s
    left join placed as p on p.deal_id = d.deal_id and p.role_slot = s.role_slot and p.place = 1
),

missing as (
    select
        deal_id,
        {{ dbt.listagg('role_slot', "', '", 'order by slot_order') }} as uncovered_roles
    from slots
    where is_required and not is_covered
    group by deal_id
)

select
    s.deal_id,
    s.role_slot,
    s.account_id,
    s.is_required,
    s.contact_id,
    s.known_by,
    s.known_by = 'recorded on the deal' as is_recorded,
    s.confidence,
    s.is_covered,
    s.candidate_count,
    m.uncovered_roles
from slots as s
left join missing as m on m.deal_id = s.deal_id
