{# per column of a staging table: how many rows, how many of them filled #}
{% macro coverage_of(stream, object, columns) %}
    {%- set relation = ref('stg_' ~ stream ~ '__' ~ object) %}
    {%- for column in columns %}
    select '{{ stream }}' as stream, '{{ object }}' as object, '{{ column }}' as column_name, count(*) as row_count, count({{ column }}) as filled_count
    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{% endmacro %}
