{# whether two rows have the same key; where a part of it is not known, not known is the same as not known #}
{% macro same_key(one, other, key) -%}
    {% for column in key %}{{ one }}.{{ column }} is not distinct from {{ other }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}
