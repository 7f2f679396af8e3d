{# a name as it may be shown, whatever its length: 张** and J** #}
{% macro masked_name(name) -%}
    case
        when {{ name }} is null or trim({{ name }}) = '' then null
        else concat(substring(trim({{ name }}), 1, 1), '**')
    end
{%- endmacro %}
