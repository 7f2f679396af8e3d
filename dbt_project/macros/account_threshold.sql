{# a bound of the seed account_thresholds #}
{% macro account_threshold(name) -%}
    (select value from {{ ref('account_thresholds') }} where threshold = '{{ name }}')
{%- endmacro %}
