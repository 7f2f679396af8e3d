{# a date stays a date #}
{% macro spark__date_trunc(datepart, date) -%}
    trunc({{ date }}, '{{ datepart }}')
{%- endmacro %}
