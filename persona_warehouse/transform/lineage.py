"""From which columns each published column comes, read by sqlglot out of the SQL that dbt compiled.

A column comes from those that its value is made of, through all models in between, down to where SQL ends: staging,
seeds, tables that Python makes, and files that a model reads itself. Conditions and joins choose rows and are not
counted; of a model that keeps several facts in one column all of them are told. What cannot be read is said to be so,
by the model at which reading ended.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

from persona_warehouse.warehouse import literal

if TYPE_CHECKING:
    from sqlglot.lineage import Node
    from sqlglot.schema import Schema

VERSION = 1  # of what is read below: another one, or another sqlglot, and every column is read anew
NAMES = ("table_name", "column_name", "origin_kind", "origin_table", "origin_column", "reason")
# schema of a relation -> what it is where SQL ends
ENDS = {"staging": "staging", "seeds": "seed"}
FOLLOWED = "followed"  # within one model: a column of another relation
KINDS = ("model", "staging", "seed", "python", "file", "none", "unread")


class Origin(NamedTuple):
    """One column, or other place, that a published column comes from.

    Attributes:
        kind: staging, seed, python (a table that Python makes), file (that a model reads itself), none (a constant or
            a count of rows), or unread: the SQL of `table` could not be read, `reason` says why. Or model: no end, but
            the step before the column, where that is another model.
        table: with its schema; of a file its path in the home.
    """

    kind: str
    table: str | None = None
    column: str | None = None
    reason: str | None = None


Origins = frozenset[Origin]
Columns = dict[str, object]  # schema -> table -> column -> type


def made_by() -> str:
    """What the lineage depends on beside the project."""
    return f"lineage {VERSION}, sqlglot {version('sqlglot')}"


def columns_of(connection: duckdb.DuckDBPyConnection) -> Columns:
    """The columns of everything in the warehouse."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for schema, table, column, type_ in connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
    ).fetchall():
        # fields of a struct are part of its column
        found.setdefault(schema, {}).setdefault(table, {})[column] = "varchar" if "STRUCT" in type_ else type_
    return dict(found)


def column_lineage(manifest: Mapping[str, Any], columns: Columns) -> list[tuple[str | None, ...]]:
    """The origins of every column of every mart: rows of quality.column_lineage, in its order.

    Args:
        manifest: dbt's, with the compiled SQL of the models.
        columns: what `columns_of` tells.
    """
    models = {
        (node["schema"], node["alias"]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] not in ENDS
    }
    reader = _Reader(models, columns)
    return [
        (table, column, *origin)
        for (schema, table), node in sorted(models.items())
        if schema == "marts"
        for column in node["columns"]
        for origin in sorted(reader.steps(schema, table, column) | reader.origins(schema, table, column), key=_order)
    ]


def write_file(rows: Iterable[tuple[str | None, ...]], file: Path) -> None:
    """As CSV, for it is kept from release to release; what is not there is empty."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([NAMES, *rows])


def write_table(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Writes quality.column_lineage anew from the file. One row per column of a mart and origin."""
    types = ", ".join(f"{name} varchar" for name in NAMES)
    connection.execute(f"create or replace table quality.column_lineage ({types})")
    connection.execute(
        f"insert into quality.column_lineage from read_csv({literal(file)}, header = true, all_varchar = true,"
        " nullstr = '', quote = '\"', escape = '\"', delim = ',')"
    )


def _order(origin: Origin) -> tuple[int, str, str]:
    return KINDS.index(origin.kind), origin.table or "", origin.column or ""


class _Reader:
    """Follows columns from model to model; reads each model once."""

    def __init__(self, models: Mapping[tuple[str, str], Mapping[str, Any]], schema: Columns) -> None:
        from sqlglot.schema import MappingSchema

        self.models = models
        self.schema = MappingSchema(schema, dialect="duckdb")
        self.read: dict[tuple[str, str], dict[str, list[Origin]] | str] = {}

    def origins(self, schema: str, table: str, column: str) -> Origins:
        """Where the column comes from in the end."""
        found: set[Origin] = set()
        waiting, seen = [(schema, table, column)], set()
        while waiting:
            # a model that grows night by night also reads itself
            if (place := waiting.pop()) in seen:
                continue
            seen.add(place)
            for one in self._before(*place):
                if one.kind == FOLLOWED:
                    schema, table = str(one.table).split(".")
                    waiting.append((schema, table, str(one.column)))
                else:
                    found.add(one)
        # what is counted or constant in one branch of several says nothing beside the others
        return frozenset({one for one in found if one.kind != "none"} or {Origin("none")})

    def steps(self, schema: str, table: str, column: str) -> Origins:
        """The columns of other models that it is made of directly."""
        if not self._is_read(schema, table):
            return frozenset()
        columns = self._columns(schema, table)
        read = [] if isinstance(columns, str) else columns.get(column, [])
        return frozenset(
            Origin("model", one.table, one.column)
            for one in read
            if one.kind == FOLLOWED and self._is_read(*str(one.table).split("."))
        )

    def _before(self, schema: str, table: str, column: str) -> Iterator[Origin]:
        """What a column is made of directly; itself, where SQL ends."""
        name = f"{schema}.{table}"
        if not self._is_read(schema, table):
            yield Origin(ENDS.get(schema, "python"), name, column)
            return
        columns = self._columns(schema, table)
        if isinstance(columns, str) or column not in columns:
            yield Origin("unread", name, column, columns if isinstance(columns, str) else "not among what it selects")
            return
        for one in columns[column]:
            # what could not be read within a model is told by the model
            yield one._replace(table=name, column=column) if one.kind == "unread" else one

    def _is_read(self, schema: str, table: str) -> bool:
        return self.models.get((schema, table), {}).get("language") == "sql"

    def _columns(self, schema: str, table: str) -> dict[str, list[Origin]] | str:
        if (schema, table) not in self.read:
            self.read[schema, table] = _read(self.models[schema, table].get("compiled_code"), self.schema)
        return self.read[schema, table]


def _read(sql: str | None, schema: Schema) -> dict[str, list[Origin]] | str:
    """The columns that a query selects, each with the columns of relations that it is made of; or why it is not read.

    A relation's column has the kind FOLLOWED: where it comes from in its turn is asked next.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    if not sql:
        return "its SQL was not compiled"
    try:
        query = parse_one(sql, dialect="duckdb")
        # sqlglot follows a union by the place of columns
        if any(union.args.get("by_name") for union in query.find_all(exp.SetOperation)):
            return "its union goes by the names of columns"
        # conditions choose rows: they are not counted, and sqlglot cannot place all of their names where files are read
        for select in query.find_all(exp.Select):
            select.set("where", None)
        found = lineage(None, query, schema, dialect="duckdb", trim_selects=False)
    except (SqlglotError, ValueError, RecursionError) as error:
        return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    read: dict[str, list[Origin]] = {}
    for name, top in found.items():
        ends = [(node, end) for node in top.walk() for end in node.downstream if not end.downstream]
        read[name] = [
            _of_all(node, end) if isinstance(node.expression, exp.Star) else _end(end)
            for node, end in ends or [(top, top)]
        ]
    return read


def _of_all(node: Node, end: Node) -> Origin:
    """A column out of `select *`: of one file it is the column of that name; of several nobody can tell."""
    origin = _end(end)
    if len(node.downstream) == 1 and origin.kind == "file":
        return origin._replace(column=node.name.rpartition(".")[2].strip('"'))
    return Origin("unread", None, None, "it is of `select *`, and of which table nothing tells")


def _end(node: Node) -> Origin:
    """Where reading ended within one query."""
    from sqlglot import exp

    end = node.expression
    if isinstance(end, (exp.Placeholder, exp.Star)):
        return Origin("unread", None, None, f"{node.name} is of no known table")
    if not isinstance(end, exp.Table):
        return Origin("none")
    column = exp.to_column(node.name).name
    if end.db:
        return Origin(FOLLOWED, f"{end.db}.{end.name}", column)
    path = next((str(text.this) for text in end.find_all(exp.Literal) if "landing/" in str(text.this)), None)
    if path is None:
        return Origin("unread", None, None, f"{node.name} is of a table without a name")
    return Origin("file", path.lstrip("/"), column)
