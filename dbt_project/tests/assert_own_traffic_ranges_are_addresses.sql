-- a range that cannot be read would match nothing, and nobody would notice
{{ config(tags=['staging']) }}

with ranges as (
    select
        value,
        {{ address_bits(dbt.split_part('value', "'/'", 1)) }} as bits,
        {{ dbt.split_part('value', "'/'", 2) }} as prefix
    from {{ ref('own_traffic') }}
    where kind = 'ip_cidr'
)

select * from ranges
where
    bits is null
    or not {{ matches('prefix', "'^[0-9]{0,3}$'") }}
    or cast(coalesce(nullif(prefix, ''), '0') as integer) > length(bits) - 1
