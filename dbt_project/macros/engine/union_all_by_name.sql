{# columns are matched by name: an upgraded table holds new columns at its end #}
{% macro union_all_by_name() %}{{ return(adapter.dispatch('union_all_by_name')()) }}{% endmacro %}

{% macro default__union_all_by_name() -%}
    union all by name
{%- endmacro %}

{# tables are built whole here, so that no former shape is met #}
{% macro spark__union_all_by_name() -%}
    union all
{%- endmacro %}
