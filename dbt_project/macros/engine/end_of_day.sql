{# the moment at which a business date ends, in UTC #}
{% macro end_of_day(day) %}{{ return(adapter.dispatch('end_of_day')(day)) }}{% endmacro %}

{% macro default__end_of_day(day) -%}
    timezone('{{ var("timezone") }}', cast({{ day }} as date) + interval 1 day)
{%- endmacro %}

{% macro spark__end_of_day(day) -%}
    to_utc_timestamp(cast(date_add(cast({{ day }} as date), 1) as timestamp), '{{ var("timezone") }}')
{%- endmacro %}
