{# the name of an attribute as the seed attribute_names writes it #}
{% macro attribute_name(text) -%}
    replace(replace(lower(trim({{ text }})), ' ', '_'), '-', '_')
{%- endmacro %}
