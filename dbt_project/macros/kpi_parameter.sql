{# a number of the seed kpi_parameters #}
{% macro kpi_parameter(name) -%}
    (select value from {{ ref('kpi_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
