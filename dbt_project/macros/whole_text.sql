{# a number as text without decimals #}
{% macro whole_text(number) -%}
    cast(cast(round({{ number }}) as bigint) as {{ dbt.type_string() }})
{%- endmacro %}
