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

-- who is still known without the deleted record
contacts as (
    select distinct contact_id from {{ source('identity', 'people') }}
),

accounts as (
    select distinct account_id from {{ source('identity', 'companies') }}
),

identities as (
    select
        identity_key,
        source_system,
        source_object,
        source_id,
        'person' as identity_type,
        contact_id,
        account_id,
        match_method,
        match_probability,
        valid_from,
        cast(null as {{ timestamp_type() }}) as valid_to
    from {{ source('identity', 'people') }}
    union all
    select
        identity_key,
        source_system,
        source_object,
        source_id,
        'company' as identity_type,
        cast(null as {{ dbt.type_string() }}) as contact_id,
        account_id,
        match_method,
        match_probability,
        valid_from,
        cast(null as {{ timestamp_type() }}) as valid_to
    from {{ source('identity', 'companies') }}
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
        cast(null as {{ timestamp_type() }}) as valid_to
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
        case when g.gone_at < g.created_at then g.created_at else g.gone_at end as valid_to
    from closed as g
    left join contacts as p on g.entity = 'contact' and p.contact_id = g.entity_id
    left join accounts as c on g.entity = 'account' and c.account_id = g.entity_id
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
    valid_to
from identities
