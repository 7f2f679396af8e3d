{# a number of the seed lead_parameters #}
{% macro lead_parameter(name) -%}
    (select value from {{ ref('lead_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
