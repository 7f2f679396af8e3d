{# the host of a URL in lower case, without a leading www.; null where there is none #}
{% macro host_of(url) %}{{ return(adapter.dispatch('host_of')(url)) }}{% endmacro %}

{% macro default__host_of(url) -%}
    nullif(regexp_replace(regexp_extract(lower({{ url }}), '^[a-z]+://([^/:?#]+)', 1), '^www[.]', ''), '')
{%- endmacro %}

{% macro spark__host_of(url) -%}
    nullif(regexp_replace(regexp_extract(lower({{ url }}), '^[a-z]+://([^/:?#]+)', 1), '^www[.]', ''), '')
{%- endmacro %}
