{# a number of the seed portrait_parameters #}
{% macro portrait_parameter(name) -%}
    (select value from {{ ref('portrait_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
