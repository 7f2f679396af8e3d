{# the last filled value of a column before this row #}
{% macro filled_before(column, partition, order) %}{{ return(adapter.dispatch('filled_before')(column, partition, order)) }}{% endmacro %}

{% macro default__filled_before(column, partition, order) -%}
    lag({{ column }} ignore nulls) over (partition by {{ partition }} order by {{ order }})
{%- endmacro %}

{% macro spark__filled_before(column, partition, order) -%}
    lag({{ column }}) ignore nulls over (partition by {{ partition }} order by {{ order }})
{%- endmacro %}
