{# contracts on Spark: a column that is missing stops the query below, and each gets its type there #}
{% macro spark__get_assert_columns_equivalent(sql) %}{% endmacro %}
