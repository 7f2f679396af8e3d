{# when a load began: its id is the second #}
{% macro moment_of_load(load_id) %}{{ return(adapter.dispatch('moment_of_load')(load_id)) }}{% endmacro %}

{% macro default__moment_of_load(load_id) -%}
    to_timestamp(cast({{ load_id }} as double))
{%- endmacro %}

{% macro spark__moment_of_load(load_id) -%}
    timestamp_seconds(cast({{ load_id }} as double))
{%- endmacro %}
