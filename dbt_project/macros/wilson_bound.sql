{# the lower or upper bound of a rate of k in n: Wilson 1927; z is the half-width in deviations. Of a rate of nought or
   one the arithmetic misses the end by a hair, on either side #}
{% macro wilson_bound(k, n, z, side) -%}
    case
        when {{ n }} > 0
            then
                {{ 'greatest(0.0' if side == 'lower' else 'least(1.0' }}, (
                    cast({{ k }} as double) / {{ n }} + power({{ z }}, 2) / (2.0 * {{ n }})
                    {{ '-' if side == 'lower' else '+' }} {{ z }} * sqrt(
                        (cast({{ k }} as double) / {{ n }}) * (1 - cast({{ k }} as double) / {{ n }}) / {{ n }}
                        + power({{ z }}, 2) / (4.0 * power({{ n }}, 2))
                    )
                ) / (1 + power({{ z }}, 2) / {{ n }}))
    end
{%- endmacro %}
