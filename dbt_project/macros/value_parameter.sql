{# a number of the seed value_parameters #}
{% macro value_parameter(name) -%}
    (select value from {{ ref('value_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
