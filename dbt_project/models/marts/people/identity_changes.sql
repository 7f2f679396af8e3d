{# the ledger of who is who, as the identity step keeps it; records are counted, since their ids may be personal #}
with changes as (
    select * from {{ source('identity', 'changes') }}
)

select
    c.change_id,
    c.entity,
    c.change,
    c.id_before,
    c.id_after,
    coalesce(a.entity_id, c.id_after) as present_id,
    c.reason,
    c.changed_on,
    c.record_count
from changes as c
left join {{ source('identity', 'aliases') }} as a on a.entity = c.entity and a.old_id = c.id_after
