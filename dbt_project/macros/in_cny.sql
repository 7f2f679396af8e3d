{# an amount in CNY, where x is the row of exchange_rates; in a currency without a rate it is not known #}
{% macro in_cny(amount, rates='x') -%}
    cast(round({{ amount }} * {{ rates }}.rate_to_cny, 2) as decimal(38, 6))
{%- endmacro %}
