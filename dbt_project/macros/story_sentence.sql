{# a template of a sentence with its gaps filled #}
{% macro story_sentence(template, value, n, name, label) -%}
    {% set gaps = {'{value}': value, '{n}': n, '{name}': name, '{label}': label} %}
    {% set filled = namespace(sql=template) %}
    {% for gap, content in gaps.items() %}
        {% set filled.sql = "replace(" ~ filled.sql ~ ", '" ~ gap ~ "', " ~ content ~ ")" %}
    {% endfor %}
    {{- filled.sql -}}
{%- endmacro %}
