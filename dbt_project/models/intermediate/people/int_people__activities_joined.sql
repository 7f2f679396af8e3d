{# the activities of persons, by type, and the deals they were about #}
select
    p.contact_id,
    a.deal_id,
    coalesce(t.activity_type, lower(trim(a.activity_type))) as activity_type,
    count(*) as activity_count,
    min(a.occurred_at) as first_at
from {{ ref('stg_crm__activities') }} as a
inner join {{ source('identity', 'people') }} as p
    on p.source_system = 'crm' and p.source_object = 'contacts' and p.source_id = a.contact_id
left join {{ ref('activity_types') }} as t on t.source_type = lower(trim(a.activity_type))
where a.occurred_at < {{ end_of_day("'" ~ var('as_of_date') ~ "'") }}
group by p.contact_id, a.deal_id, coalesce(t.activity_type, lower(trim(a.activity_type)))
