{# a number of the seed experiment_parameters #}
{% macro experiment_parameter(name) -%}
    (select value from {{ ref('experiment_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
