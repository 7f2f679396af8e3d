{# CRM ids are shown as they are, so that a reader finds the record; what identifies a person outside the house only as a keyed hash #}
with people as (
    select
        identity_key, source_system, source_object, source_id, contact_id, account_id, match_method, match_probability, valid_from
    from {{ source('identity', 'people') }}
),
companies as (
    select identity_key, source_system, source_object, source_id, account_id, match_method, match_probability, valid_from
    from {{ source('identity', 'companies') }}
),
visitors as (
    select v.anonymous_id, v.contact_id, v.account_id, min(e.occurred_at) as valid_from
    from {{ source('identity', 'visitors') }} as v
    inner join {{ ref('stg_website__events') }} as e on e.anonymous_id = v.anonymous_id
    group by v.anonymous_id, v.contact_id, v.account_id
)
select
    {{ keyed_hash('identity_key') }} as identity_key,
    source_system,
    source_object,
    case when source_system = 'crm' then source_id else {{ keyed_hash('source_id') }} end as source_id,
    'person' as identity_type,
    contact_id,
    account_id,
    match_method,
    cast(match_probability as double) as match_probability,
    valid_from,
    cast(null as {{ timestamp_type() }}) as valid_to
from people
union all
select
    {{ keyed_hash('identity_key') }},
    source_system,
    source_object,
    source_id,
    'company',
    null,
    account_id,
    match_method,
    cast(match_probability as double),
    valid_from,
    cast(null as {{ timestamp_type() }})
from companies
union all
select
    {{ keyed_hash("concat('website|visitors|', anonymous_id)") }},
    'website',
    'visitors',
    {{ keyed_hash('anonymous_id') }},
    'browser',
    contact_id,
    account_id,
    'identified on it',
    cast(1.0 as double),
    valid_from,
    cast(null as {{ timestamp_type() }})
from visitors
