{# one row per key: the newest version of the object, whichever load brought it; late rows never win over newer ones.
   Nothing was changed after the load that brought it: a clock that runs ahead would hide all later changes #}
{% macro latest_version(relation, key, version) %}
, versions as (
    select * from {{ relation }}
    {%- if is_incremental() %}
    {{ union_all_by_name() }}
    select * from {{ this }} as kept
    where exists (
        select 1 from {{ relation }} as incoming
        where {{ same_key('kept', 'incoming', key) }}
    )
    {%- endif %}
),
ranked as (
    select
        *,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by
                {%- for column in version %}
                case when {{ column }} > {{ moment_of_load('load_id') }} then {{ moment_of_load('load_id') }} else {{ column }} end desc nulls last,
                {%- endfor %}
                load_id desc,
                {%- for column in version %}
                {{ column }} desc nulls last,
                {%- endfor %}
                source_file desc,
                source_row desc
        ) as version_rank
    from versions
)
select {{ all_columns_except(['version_rank']) }}
from ranked
where version_rank = 1
{% endmacro %}
