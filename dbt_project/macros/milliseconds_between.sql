{# whole milliseconds from one timestamp to another #}
{% macro milliseconds_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, 'millisecond') }}
{%- endmacro %}
