{# dbt's own for Spark knows no order #}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    nullif(listagg(cast({{ measure }} as string), {{ delimiter_text }}) within group ({{ order_by_clause }}), '')
{%- endmacro %}
