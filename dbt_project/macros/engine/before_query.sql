{# a URL without what follows ? or #, which may hold anything #}
{% macro before_query(url) %}{{ return(adapter.dispatch('before_query')(url)) }}{% endmacro %}

{% macro default__before_query(url) -%}
    regexp_extract({{ url }}, '^[^?#]*')
{%- endmacro %}

{% macro spark__before_query(url) -%}
    regexp_extract({{ url }}, '^[^?#]*', 0)
{%- endmacro %}
