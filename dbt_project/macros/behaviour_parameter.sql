{# a number of the seed behaviour_parameters #}
{% macro behaviour_parameter(name) -%}
    (select value from {{ ref('behaviour_parameters') }} where parameter = '{{ name }}')
{%- endmacro %}
