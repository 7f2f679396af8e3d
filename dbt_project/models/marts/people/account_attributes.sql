{# every firmographic of every account with where it came from, and which of them counts: what is recorded before what
   follows by a rule #}
with recorded as (
    select * from {{ ref('int_accounts__attribute_values') }}
),

winners as (
    select * from recorded
    where is_winner
),

compared as (
    select
        r.*,
        -- a place or an industry that is known less closely contradicts nothing
        r.is_in_time and not case
            when r.kind in ('number', 'money')
                then
                    abs(r.number_value - w.number_value)
                    <= r.tolerance * greatest(abs(r.number_value), abs(w.number_value))
            else r.broad = w.broad and (r.middle = w.middle or r.middle is null or w.middle is null)
        end as is_contradiction
    from recorded as r
    left join winners as w on w.account_id = r.account_id and w.attribute = r.attribute
)

select
    account_attribute_id,
    account_id,
    attribute,
    value,
    number_value as value_number,
    recorded_amount,
    currency,
    source_type,
    source,
    source_record,
    as_of,
    confidence,
    agreeing_sources,
    agreement,
    cast(null as {{ dbt.type_string() }}) as evidence,
    is_inferred,
    is_mapped,
    is_sensitive,
    is_in_time,
    is_winner as is_selected,
    coalesce(is_contradiction, false) as is_contradiction
from compared
union all
select
    {{ dbt.hash("concat_ws('|', d.account_id, d.attribute, 'derived')") }} as account_attribute_id,
    d.account_id,
    d.attribute,
    d.value,
    d.number_value as value_number,
    cast(null as decimal(38, 6)) as recorded_amount,
    cast(null as {{ dbt.type_string() }}) as currency,
    'derived' as source_type,
    'derived' as source,
    cast(null as {{ dbt.type_string() }}) as source_record,
    cast(null as date) as as_of,
    cast(d.confidence as double) as confidence,
    cast(1 as bigint) as agreeing_sources,
    cast(d.confidence as double) as agreement,
    d.evidence,
    true as is_inferred,
    true as is_mapped,
    false as is_sensitive,
    true as is_in_time,
    w.account_id is null as is_selected,
    w.account_id is not null and d.value <> w.value as is_contradiction
from {{ ref('int_accounts__derived_values') }} as d
left join winners as w on w.account_id = d.account_id and w.attribute = d.attribute
