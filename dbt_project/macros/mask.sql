{# a name as it may be shown: 张* for Chinese, J*** for Latin #}
{% macro masked_name(name) -%}
    case
        when {{ name }} is null or trim({{ name }}) = '' then null
        else concat(substring(trim({{ name }}), 1, 1), '**')
    end
{%- endmacro %}
