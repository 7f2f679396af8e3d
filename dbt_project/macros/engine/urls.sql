{# parts of a URL; paths and hosts in lower case, no leading www. #}
{% macro host_of(url) %}{{ return(adapter.dispatch('host_of')(url)) }}{% endmacro %}
{% macro default__host_of(url) -%}
    nullif(regexp_replace(regexp_extract(lower({{ url }}), '^[a-z]+://([^/:?#]+)', 1), '^www[.]', ''), '')
{%- endmacro %}

{% macro path_of(url) %}{{ return(adapter.dispatch('path_of')(url)) }}{% endmacro %}
{% macro default__path_of(url) -%}
    regexp_extract({{ url }}, '^(?:[a-zA-Z]+://[^/?#]*)?([^?#]*)', 1)
{%- endmacro %}

{% macro before_query(url) %}{{ return(adapter.dispatch('before_query')(url)) }}{% endmacro %}
{% macro default__before_query(url) -%}
    regexp_extract({{ url }}, '^[^?#]*')
{%- endmacro %}
