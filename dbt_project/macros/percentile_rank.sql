{# the share of known values below this one, those alike counted half, so that ties fall together; null where it is not
   known. `among` partitions, `high` says whether a high value ranks high #}
{% macro percentile_rank(value, among=none, high=true) -%}
    case
        when {{ value }} is not null
            then
                cast(
                    (
                        rank() over (
                            {% if among %}partition by {{ among }} {% endif %}
                            order by {{ value }} {{ 'asc' if high else 'desc' }} nulls last
                        ) - 1
                        + 0.5 * count(*) over (partition by {% if among %}{{ among }}, {% endif %}{{ value }})
                    ) as double
                )
                / count({{ value }}) over ({% if among %}partition by {{ among }}{% endif %})
    end
{%- endmacro %}
