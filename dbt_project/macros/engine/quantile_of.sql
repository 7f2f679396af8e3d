{# the value below which a share of a group lies, between two of its values by their distance #}
{% macro quantile_of(value, share) %}{{ return(adapter.dispatch('quantile_of')(value, share)) }}{% endmacro %}

{% macro default__quantile_of(value, share) -%}
    quantile_cont({{ value }}, {{ share }})
{%- endmacro %}

{% macro spark__quantile_of(value, share) -%}
    percentile({{ value }}, {{ share }})
{%- endmacro %}
