{# medians of amounts by the keys, with bounds by order statistics: ranks n/2 -+ z sqrt(n)/2 (Conover 1999) #}
{% macro portrait_medians(observed, keys) -%}
    {% set z = portrait_parameter('confidence_z') %}
    {% set columns = keys | join(', ') %}
    select
        {{ columns }},
        count(*) as n,
        count(*) >= {{ persona_threshold('min_cell_customers') }} as is_enough,
        count(*) < {{ persona_threshold('persona_thin') }} as is_thin,
        {{ median_of('amount') }} as amount,
        max(case when place <= greatest(1, floor(total / 2e0 - {{ z }} * sqrt(total) / 2)) then amount end) as low,
        min(case when place >= least(total, ceil(1 + total / 2e0 + {{ z }} * sqrt(total) / 2)) then amount end) as high
    from (
        select
            {{ columns }},
            amount,
            row_number() over (partition by {{ columns }} order by amount, subject_id) as place,
            count(*) over (partition by {{ columns }}) as total
        from (
            select
                {{ columns }},
                subject_id,
                max(amount) as amount
            from {{ observed }}
            group by {{ columns }}, subject_id
        ) as once
    ) as placed
    group by {{ columns }}
{%- endmacro %}
