{# the hour of the day in the business time zone, 0 to 23 #}
{% macro local_hour(moment) %}{{ return(adapter.dispatch('local_hour')(moment)) }}{% endmacro %}

{% macro default__local_hour(moment) -%}
    cast(extract(hour from timezone('{{ var("timezone") }}', {{ moment }})) as integer)
{%- endmacro %}

{% macro spark__local_hour(moment) -%}
    hour(from_utc_timestamp({{ moment }}, '{{ var("timezone") }}'))
{%- endmacro %}
