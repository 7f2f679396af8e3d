"""Airflow's metadata, where they are a database elsewhere: what their texts say of people is cleared like a file's.

Those of the home itself are a file among its files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from persona_warehouse.landing.erasing import Patterns
from persona_warehouse.night.embedded import airflow_environment, database_elsewhere
from persona_warehouse.settings import Settings

# of the information schema: what may hold words
TEXTS = ("text", "character varying", "json", "jsonb")
COLUMNS = """
select table_name, column_name, data_type
from information_schema.columns join information_schema.tables using (table_schema, table_name)
where table_schema = current_schema() and table_type = 'BASE TABLE'
order by table_name, ordinal_position
"""


def clear(settings: Settings, patterns: Patterns) -> int:
    """Clears every text; returns how many different ones held them. Nothing where the metadata are the home's own."""
    from sqlalchemy import text

    cleared = 0
    with _metadata(settings) as connection:
        if connection is None:
            return 0
        quoted = connection.dialect.identifier_preparer.quote
        for table, column, kind, held in _held(connection, patterns):
            value = patterns.clear(held)
            if kind.startswith("json") and not _is_json(value):
                value = json.dumps(value)
            connection.execute(
                text(
                    f"update {quoted(table)} set {quoted(column)} = cast(:value as {kind})"
                    f" where cast({quoted(column)} as text) = :held"
                ),
                {"value": value, "held": held},
            )
            cleared += 1
    return cleared


def search(settings: Settings, patterns: Patterns) -> int:
    """How many different texts of the metadata hold them."""
    with _metadata(settings) as connection:
        return 0 if connection is None else len(_held(connection, patterns))


@contextmanager
def _metadata(settings: Settings) -> Iterator[Any]:
    """A transaction in the database that Airflow itself would open, or None where it is the home's own."""
    if not database_elsewhere(settings):
        yield None
        return
    from sqlalchemy import create_engine

    os.environ.update(airflow_environment(settings))
    # it knows of addresses that come by a command or from a keeper of secrets
    from airflow.configuration import conf

    engine = create_engine(conf.get_mandatory_value("database", "sql_alchemy_conn"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _held(connection: Any, patterns: Patterns) -> list[tuple[str, str, str, str]]:
    """Table, column, type and text, of every different text that the patterns find something in."""
    from sqlalchemy import text

    quoted = connection.dialect.identifier_preparer.quote
    found = []
    for table, column, kind in connection.execute(text(COLUMNS)).fetchall():
        if kind in TEXTS:
            query = f"select distinct cast({quoted(column)} as text) from {quoted(table)}"
            rows = connection.execute(text(query)).scalars()
            found += [(table, column, kind, held) for held in rows if held and patterns.clear(held) != held]
    return found


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
