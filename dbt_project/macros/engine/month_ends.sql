{# the last days of the months from one date to another, both of which may be scalar queries #}
{% macro month_ends(first, last) %}{{ return(adapter.dispatch('month_ends')(first, last)) }}{% endmacro %}

{% macro default__month_ends(first, last) -%}
    select cast(last_day(month_start) as date) as month_end
    from (select unnest(generate_series(date_trunc('month', {{ first }}), {{ last }}, interval 1 month)) as month_start)
    where last_day(month_start) <= {{ last }}
{%- endmacro %}

{% macro spark__month_ends(first, last) -%}
    select last_day(month_start) as month_end
    from (
        select explode(sequence(trunc(first_date, 'MM'), last_date, interval 1 month)) as month_start, last_date
        from (select cast({{ first }} as date) as first_date, cast({{ last }} as date) as last_date)
        where first_date <= last_date
    )
    where last_day(month_start) <= last_date
{%- endmacro %}
