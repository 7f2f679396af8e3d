{# what is known of the accounts of the market, as texts and numbers, without what may be kept only by consent #}
with attributes as (
    select
        f.account_id,
        f.attribute,
        f.value,
        case when coalesce(r.kind, 'number') in ('number', 'money', 'year') then f.value_number end as value_number,
        f.as_of
    from {{ ref('account_attributes') }} as f
    left join {{ ref('attribute_rules') }} as r on r.attribute = f.attribute
    where f.is_selected and not f.is_sensitive and f.attribute <> 'location'
),

places as (
    select
        account_id,
        'province' as attribute,
        province as value,
        cast(null as decimal(38, 6)) as value_number,
        cast(null as date) as as_of
    from {{ ref('int_accounts__places') }}
    where province is not null
),

facts as (
    select * from attributes
    union all
    select * from places
)

select
    f.account_id,
    f.attribute,
    f.value,
    cast(f.value_number as double) as value_number,
    f.as_of,
    coalesce(f.as_of <= cast(a.outcome_at as date), true) as is_known_in_time,
    coalesce(u.in_traits, true) as in_traits,
    coalesce(u.in_personas, true) as in_personas,
    coalesce(u.in_fit, true) as in_fit,
    u.definition
from facts as f
inner join {{ ref('int_personas__accounts') }} as a on a.account_id = f.account_id
left join {{ ref('persona_attributes') }} as u on u.attribute = f.attribute
where f.value is not null
