{# shares of values among the subjects of whom the aspect is known, by the keys; a list that ends with the value #}
{% macro portrait_counts(observed, keys) -%}
    {% set z = portrait_parameter('confidence_z') %}
    {% set columns = keys | join(', ') %}
    {% set joined = [] %}
    {% for key in keys %}
        {% do joined.append("v." ~ key ~ " is not distinct from a." ~ key) %}
    {% endfor %}
    select
        v.*,
        a.n,
        a.n >= {{ persona_threshold('min_cell_customers') }} as is_enough,
        a.n < {{ persona_threshold('persona_thin') }} as is_thin,
        {{ wilson_bound('v.k', 'a.n', z, 'lower') }} as low,
        {{ wilson_bound('v.k', 'a.n', z, 'upper') }} as high
    from (
        select
            {{ columns }},
            value,
            count(distinct subject_id) as k,
            count(distinct case when is_inferred then subject_id end) as inferred_count
        from {{ observed }}
        group by {{ columns }}, value
    ) as v
    inner join (
        select
            {{ columns }},
            count(distinct subject_id) as n
        from {{ observed }}
        group by {{ columns }}
    ) as a on {{ joined | join(' and ') }}
{%- endmacro %}
