{# a number to so many digits, a tie away from nought. As a decimal first: what lies a hair beside a tie, because of the
   order in which it was added up, would be rounded this way in one night and that way in another #}
{% macro rounded(number, digits) -%}
    cast(round(cast({{ number }} as decimal(38, {{ digits + 8 }})), {{ digits }}) as double)
{%- endmacro %}
