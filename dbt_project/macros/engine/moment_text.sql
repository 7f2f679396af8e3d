{# a moment as text, as ids are made of it: 2026-10-31 01:02:03.5+00 #}
{% macro moment_text(moment) %}{{ return(adapter.dispatch('moment_text')(moment)) }}{% endmacro %}

{% macro default__moment_text(moment) -%}
    cast({{ moment }} as varchar)
{%- endmacro %}

{% macro spark__moment_text(moment) -%}
    concat(cast({{ moment }} as string), '+00')
{%- endmacro %}
