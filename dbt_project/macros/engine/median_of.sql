{# the middle value of a group; the mean of the two middle ones where their number is even #}
{% macro median_of(value) %}{{ return(adapter.dispatch('median_of')(value)) }}{% endmacro %}

{% macro default__median_of(value) -%}
    median({{ value }})
{%- endmacro %}

{% macro spark__median_of(value) -%}
    percentile({{ value }}, 0.5)
{%- endmacro %}
