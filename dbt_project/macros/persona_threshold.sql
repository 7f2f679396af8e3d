{# a bound of the seed persona_thresholds #}
{% macro persona_threshold(name) -%}
    (select value from {{ ref('persona_thresholds') }} where threshold = '{{ name }}')
{%- endmacro %}
