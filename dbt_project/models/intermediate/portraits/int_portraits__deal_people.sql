{# who took part in a deal: named on it, or active in it #}
with involved as (
    select
        d.deal_id,
        p.contact_id
    from {{ ref('stg_crm__deal_contacts') }} as d
    inner join {{ source('identity', 'people') }} as p
        on p.source_system = 'crm' and p.source_object = 'contacts' and p.source_id = d.contact_id
    union
    select
        deal_id,
        contact_id
    from {{ ref('int_people__activities_joined') }}
    where deal_id is not null
)

select
    i.deal_id,
    i.contact_id,
    c.decision_role,
    c.job_function
from involved as i
inner join {{ ref('contacts') }} as c on c.contact_id = i.contact_id
