{# per column of the staging tables, given as stream -> object -> columns: how many rows, how many of them filled #}
{% macro coverage_of(columns) %}
    {%- set counts = [] %}
    {%- for stream, objects in columns.items() %}
    {%- for object, names in objects.items() %}
    {%- for name in names %}
    {%- set place = "'" ~ stream ~ "' as stream, '" ~ object ~ "' as object, '" ~ name ~ "' as column_name" %}
    {%- set count = 'count(*) as row_count, count(' ~ name ~ ') as filled_count' %}
    {%- do counts.append('select ' ~ place ~ ', ' ~ count ~ ' from ' ~ ref('stg_' ~ stream ~ '__' ~ object)) %}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
    {{ counts | join('\n    union all\n    ') }}
{% endmacro %}
