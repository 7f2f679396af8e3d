{# the load id in a landing file's name: …/<load_id>.<file_id>.parquet #}
{% macro load_id_of(filename) %}{{ return(adapter.dispatch('load_id_of')(filename)) }}{% endmacro %}

{% macro default__load_id_of(filename) -%}
    regexp_extract({{ filename }}, '([0-9]+[.][0-9]+)[.][^/]*$', 1)
{%- endmacro %}

{% macro spark__load_id_of(filename) -%}
    regexp_extract({{ filename }}, '([0-9]+[.][0-9]+)[.][^/]*$', 1)
{%- endmacro %}
