{# how many borders of the part lie between two moments, as the other engine counts; dbt's own for Spark loses what is below a second #}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- set micros = {'millisecond': 1000, 'second': 1000000, 'minute': 60000000, 'hour': 3600000000} -%}
    {%- if datepart == 'day' -%}
        cast(datediff(cast({{ second_date }} as date), cast({{ first_date }} as date)) as bigint)
    {%- elif datepart in micros -%}
        (
            cast(floor(unix_micros(cast({{ second_date }} as timestamp)) / {{ micros[datepart] }}.0bd) as bigint)
            - cast(floor(unix_micros(cast({{ first_date }} as timestamp)) / {{ micros[datepart] }}.0bd) as bigint)
        )
    {%- else -%}
        {{ exceptions.raise_compiler_error('no such part is counted here: ' ~ datepart) }}
    {%- endif -%}
{%- endmacro %}
