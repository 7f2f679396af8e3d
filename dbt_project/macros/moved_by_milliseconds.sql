{# a timestamp so many whole milliseconds later: in days and the rest, because intervals are counted in 32 bits #}
{% macro moved_by_milliseconds(moment, milliseconds) -%}
    {%- set days = 'cast(floor(' ~ milliseconds ~ ' / 86400000e0) as integer)' -%}
    {%- set rest = 'cast(' ~ milliseconds ~ ' - floor(' ~ milliseconds ~ ' / 86400000e0) * 86400000 as integer)' -%}
    {{ dbt.dateadd('millisecond', rest, dbt.dateadd('day', days, moment)) }}
{%- endmacro %}
