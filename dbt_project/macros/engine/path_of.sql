{# the path of a URL, as written #}
{% macro path_of(url) %}{{ return(adapter.dispatch('path_of')(url)) }}{% endmacro %}

{% macro default__path_of(url) -%}
    regexp_extract({{ url }}, '^(?:[a-zA-Z]+://[^/?#]*)?([^?#]*)', 1)
{%- endmacro %}

{% macro spark__path_of(url) -%}
    regexp_extract({{ url }}, '^(?:[a-zA-Z]+://[^/?#]*)?([^?#]*)', 1)
{%- endmacro %}
