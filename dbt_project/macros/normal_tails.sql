{# the chance of a standard normal value at least as far from nought, on either side: Abramowitz and Stegun 26.2.17.
   What is not known is asked for first, because greatest() passes over it #}
{% macro normal_tails(z) -%}
    {%- set t = '(1 / (1 + 0.2316419 * abs(' ~ z ~ ')))' -%}
    case
        when {{ z }} is not null
            then
                least(
                    1.0,
                    greatest(
                        0.0,
                        2 * 0.3989422804014327 * exp(-0.5 * power({{ z }}, 2)) * {{ t }} * (
                            0.31938153 + {{ t }} * (
                                -0.356563782 + {{ t }} * (1.781477937 + {{ t }} * (-1.821255978 + {{ t }} * 1.330274429))
                            )
                        )
                    )
                )
    end
{%- endmacro %}
