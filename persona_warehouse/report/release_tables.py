"""Reads a release file, whatever tables it has."""

from __future__ import annotations

import re
from typing import Any

import duckdb


class ReleaseTables:
    """Queries that survive a table that is not there, and remember that it was not."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._present = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
        self.missing: list[str] = []

    def has(self, table: str) -> bool:
        return table in self._present

    def columns(self) -> dict[str, list[tuple[str, str]]]:
        """Every published table -> its columns with their types, in order."""
        found = self._connection.execute(
            """select schema_name || '.' || table_name, list((column_name, data_type) order by column_index)
               from duckdb_columns() where schema_name in ('marts', 'quality') group by all order by all"""
        )
        return dict(found.fetchall())

    def rows(self, table: str, sql: str, parameters: list[object] | None = None) -> list[dict[str, Any]]:
        """The rows of a query, a dict each; none when the release lacks `table` or another it asks."""
        wanted = {table, *re.findall(r"\b(?:marts|quality)\.\w+", sql)}
        if absent := sorted(wanted - self._present):
            self.missing.extend(name for name in absent if name not in self.missing)
            return []
        cursor = self._connection.execute(sql, parameters or [])
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
