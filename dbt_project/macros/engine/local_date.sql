{# the date in the business time zone #}
{% macro local_date(moment) %}{{ return(adapter.dispatch('local_date')(moment)) }}{% endmacro %}

{% macro default__local_date(moment) -%}
    cast(timezone('{{ var("timezone") }}', {{ moment }}) as date)
{%- endmacro %}

{% macro spark__local_date(moment) -%}
    cast(from_utc_timestamp({{ moment }}, '{{ var("timezone") }}') as date)
{%- endmacro %}
