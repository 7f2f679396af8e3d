{# a whole number of the seed journey_parameters #}
{% macro journey_parameter(name) -%}
    (select value from {{ ref('journey_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
