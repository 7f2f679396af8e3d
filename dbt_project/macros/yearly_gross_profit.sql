{# gross profit of a year: what was made since the first purchase over the years since, at least customer_years_min #}
{% macro yearly_gross_profit(gross_profit, days) -%}
    ({{ gross_profit }} / greatest({{ days }} / 365e0, {{ value_parameter('customer_years_min') }}))
{%- endmacro %}
