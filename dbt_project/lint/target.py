"""Stands in for dbt's `target` when sqlfluff renders a model."""

type = "duckdb"
