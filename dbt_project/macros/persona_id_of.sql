{# the id of a persona within its version, by its number #}
{% macro persona_id_of(number) -%}
    concat('p', cast({{ number }} as {{ dbt.type_string() }}))
{%- endmacro %}
