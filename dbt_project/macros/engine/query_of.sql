{# what follows ? in a URL; empty where nothing does #}
{% macro query_of(url) %}{{ return(adapter.dispatch('query_of')(url)) }}{% endmacro %}

{% macro default__query_of(url) -%}
    regexp_extract({{ url }}, '^[^?#]*[?]([^#]*)', 1)
{%- endmacro %}

{% macro spark__query_of(url) -%}
    regexp_extract({{ url }}, '^[^?#]*[?]([^#]*)', 1)
{%- endmacro %}
