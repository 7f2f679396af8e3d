{# CRM ids are shown as they are, so that a reader finds the record; every other identifier only as a keyed hash #}
with visitors as (
    select
        v.anonymous_id,
        v.contact_id,
        v.account_id,
        min(e.occurred_at) as valid_from
    from {{ source('identity', 'visitors') }} as v
    inner join {{ ref('stg_website__events') }} as e on e.anonymous_id = v.anonymous_id
    group by v.anonymous_id, v.contact_id, v.account_id
),

-- what the CRM deleted and was known before; its moment is that of the last change, at the latest that of the load
gone as (
    select
        'contacts' as source_object,
        contact_id as source_id,
        'contact' as entity,
        created_at,
        updated_at,
        load_id
    from {{ ref('stg_crm__contacts') }}
    where is_deleted
    union all
    select
        'leads' as source_object,
        lead_id as source_id,
        'contact' as entity,
        created_at,
        updated_at,
        load_id
    from {{ ref('stg_crm__leads') }}
    where is_deleted
    union all
    select
        'companies' as source_object,
        company_id as source_id,
        'account' as entity,
        created_at,
        updated_at,
        load_id
    from {{ ref('stg_crm__companies') }}
    where is_deleted
),

closed as (
    select
        a.node,
        g.source_object,
        g.source_id,
        a.entity,
        a.entity_id,
        g.created_at,
        coalesce(g.updated_at, {{ moment_of_load('g.load_id') }}) as gone_at
    from gone as g
    inner join {{ source('identity', 'assigned') }} as a
        on a.entity = g.entity and a.node = concat('crm|', g.source_object, '|', g.source_id)
    left join {{ source('identity', 'people') }} as p on p.identity_key = a.node
    left join {{ source('identity', 'companies') }} as c on c.identity_key = a.node
    -- what was merged into a live record lives on
    where p.identity_key is null and c.identity_key is null
),

-- to whom a record belonged before it belonged to whom it does
stints as (
    select
        entity,
        node,
        entity_id,
        valid_to,
        cast(valid_from as {{ timestamp_type() }}) as moved_at,
        cast(valid_to as {{ timestamp_type() }}) as left_at,
        row_number() over (partition by entity, node order by valid_from) as place
    from {{ source('identity', 'history') }}
),

-- who is still known without the deleted record
contacts as (
    select distinct contact_id from {{ source('identity', 'people') }}
),

accounts as (
    select distinct account_id from {{ source('identity', 'companies') }}
),

identities as (
    select
        r.identity_key,
        r.source_system,
        r.source_object,
        r.source_id,
        'person' as identity_type,
        r.contact_id,
        r.account_id,
        r.match_method,
        r.match_probability,
        case when s.place > 1 then s.moved_at else r.valid_from end as valid_from,
        cast(null as {{ timestamp_type() }}) as valid_to,
        coalesce(s.place, 1) as stint
    from {{ source('identity', 'people') }} as r
    left join stints as s on s.entity = 'contact' and s.node = r.identity_key and s.valid_to is null
    union all
    select
        r.identity_key,
        r.source_system,
        r.source_object,
        r.source_id,
        'company' as identity_type,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        r.account_id,
        r.match_method,
        r.match_probability,
        case when s.place > 1 then s.moved_at else r.valid_from end as valid_from,
        cast(null as {{ timestamp_type() }}) as valid_to,
        coalesce(s.place, 1) as stint
    from {{ source('identity', 'companies') }} as r
    left join stints as s on s.entity = 'account' and s.node = r.identity_key and s.valid_to is null
    union all
    select
        r.identity_key,
        r.source_system,
        r.source_object,
        r.source_id,
        'person' as identity_type,
        s.entity_id as contact_id,
        cast(null as {{ dbt.type_string() }}) as account_id,
        'former' as match_method,
        1.0 as match_probability,
        case
            when s.place > 1 then s.moved_at
            when r.valid_from < s.left_at then r.valid_from
            else s.left_at
        end as valid_from,
        s.left_at as valid_to,
        s.place as stint
    from {{ source('identity', 'people') }} as r
    inner join stints as s on s.entity = 'contact' and s.node = r.identity_key and s.valid_to is not null
    union all
    select
        r.identity_key,
        r.source_system,
        r.source_object,
        r.source_id,
        'company' as identity_type,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        s.entity_id as account_id,
        'former' as match_method,
        1.0 as match_probability,
        case
            when s.place > 1 then s.moved_at
            when r.valid_from < s.left_at then r.valid_from
            else s.left_at
        end as valid_from,
        s.left_at as valid_to,
        s.place as stint
    from {{ source('identity', 'companies') }} as r
    inner join stints as s on s.entity = 'account' and s.node = r.identity_key and s.valid_to is not null
    union all
    select
        concat('website|visitors|', anonymous_id) as identity_key,
        'website' as source_system,
        'visitors' as source_object,
        anonymous_id as source_id,
        'browser' as identity_type,
        contact_id,
        account_id,
        'identified on it' as match_method,
        1.0 as match_probability,
        valid_from,
        cast(null as {{ timestamp_type() }}) as valid_to,
        1 as stint
    from visitors
    union all
    select
        g.node as identity_key,
        'crm' as source_system,
        g.source_object,
        g.source_id,
        case when g.entity = 'account' then 'company' else 'person' end as identity_type,
        p.contact_id,
        c.account_id,
        'deleted' as match_method,
        1.0 as match_probability,
        g.created_at as valid_from,
        case when g.gone_at < g.created_at then g.created_at else g.gone_at end as valid_to,
        1 as stint
    from closed as g
    left join contacts as p on p.contact_id = case when g.entity = 'contact' then g.entity_id end
    left join accounts as c on c.account_id = case when g.entity = 'account' then g.entity_id end
)

select
    {{ keyed_hash('identity_key') }} as identity_key,
    source_system,
    source_object,
    case when source_system = 'crm' then source_id else {{ keyed_hash('source_id') }} end as source_id,
    identity_type,
    contact_id,
    account_id,
    match_method,
    cast(match_probability as double) as match_probability,
    valid_from,
    valid_to,
    cast(stint as bigint) as stint
from identities
