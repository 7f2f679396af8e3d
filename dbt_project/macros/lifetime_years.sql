{# how many years' profit a customer is worth: the sum over ltv_years of the share that is still there, discounted.
   Gupta, Lehmann and Stuart, Valuing customers, 2004, with a horizon #}
{% macro lifetime_years() -%}
    (
        select
            case
                when q.kept = 1 then q.years
                else (1 - power(q.kept, q.years)) / (1 - q.kept)
            end
        from (
            select
                (1 - {{ value_parameter('churn_yearly') }}) / (1 + {{ value_parameter('discount_yearly') }}) as kept,
                {{ value_parameter('ltv_years') }} as years
        ) as q
    )
{%- endmacro %}
