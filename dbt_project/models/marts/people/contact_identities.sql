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
        valid_from
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
        valid_from
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
        valid_from
    from visitors
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
    cast(null as {{ timestamp_type() }}) as valid_to
from identities
