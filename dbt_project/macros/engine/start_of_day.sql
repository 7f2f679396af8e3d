{# the moment at which a business date begins, in UTC #}
{% macro start_of_day(day) %}{{ return(adapter.dispatch('start_of_day')(day)) }}{% endmacro %}

{% macro default__start_of_day(day) -%}
    timezone('{{ var("timezone") }}', cast(cast({{ day }} as date) as timestamp))
{%- endmacro %}

{% macro spark__start_of_day(day) -%}
    to_utc_timestamp(cast(cast({{ day }} as date) as timestamp), '{{ var("timezone") }}')
{%- endmacro %}
