{# whether a list of a seed, parted by semicolons, holds a word #}
{% macro seed_list_holds(list, word) -%}
    concat(';', {{ list }}, ';') like concat('%;', {{ word }}, ';%')
{%- endmacro %}
