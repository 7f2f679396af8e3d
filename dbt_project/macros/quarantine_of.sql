{# one row per error of a landed row that could not be typed or lacks what it must have #}
{% macro quarantine_of(stream, object) %}
with source as (
    {{ new_loads(stream, object) }}
    and row_errors is not null
),
errors as (
    {{ explode_row_errors('source') }}
)
select
    {{ dbt.hash("concat_ws('|', source_file, cast(source_row as varchar), coalesce(raw_row, ''), coalesce(field, ''), rule)") }} as quarantine_id,
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
from errors
{% endmacro %}
