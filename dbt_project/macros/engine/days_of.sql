{# every date from one to another, both of which may be scalar queries #}
{% macro days_of(first, last) %}{{ return(adapter.dispatch('days_of')(first, last)) }}{% endmacro %}

{% macro default__days_of(first, last) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as day
{%- endmacro %}

{% macro spark__days_of(first, last) -%}
    select explode(sequence(first_day, last_day, interval 1 day)) as day
    from (select cast({{ first }} as date) as first_day, cast({{ last }} as date) as last_day)
    where first_day <= last_day
{%- endmacro %}
