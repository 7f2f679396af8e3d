{# one row per error of a landed row that could not be typed or lacks what it must have; a row that came again counts once #}
{% macro quarantine_of(stream, object) %}
with source as (
    {{ new_loads(stream, object, 'row_errors is not null') }}
),

errors as (
    {{ explode_row_errors('source') }}
),

identified as (
    select
        *,
        {{ dbt.hash("concat_ws('|', source_file, cast(source_row as " ~ dbt.type_string() ~ "), coalesce(raw_row, ''), coalesce(field, ''), rule)") }} as quarantine_id
    from errors
),

placed as (
    select *, row_number() over (partition by quarantine_id order by load_id desc) as place
    from identified
)

select
    quarantine_id,
    '{{ stream }}' as stream,
    '{{ object }}' as object,
    source_file,
    source_row,
    field,
    rule,
    expected,
    found,
    raw_row,
    load_id
from placed
where place = 1
{% endmacro %}
