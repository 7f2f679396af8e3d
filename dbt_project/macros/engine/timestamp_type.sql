{# a moment in UTC #}
{% macro timestamp_type() %}{{ return(adapter.dispatch('timestamp_type')()) }}{% endmacro %}

{% macro default__timestamp_type() -%}
    timestamp with time zone
{%- endmacro %}

{% macro spark__timestamp_type() -%}
    timestamp
{%- endmacro %}
