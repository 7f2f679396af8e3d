"""The SQL that reads an object, composed from the sources file and the catalogue. Nothing is run here."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.mapping import Mapping

DIALECTS = ("postgresql", "mysql")
MAIN = "t"
# table -> column -> data type, as information_schema has them
Catalogue = dict[str, dict[str, str]]

# what Arrow takes as it is; everything else is asked for as text, which keeps every digit of a numeric
PASSED_ON = (
    "text", "character varying", "boolean", "smallint", "integer", "bigint", "real", "double precision", "date",
    "timestamp without time zone", "timestamp with time zone",
)  # fmt: skip
MOMENTS = {
    "postgresql": ("timestamp without time zone", "timestamp with time zone"),
    "mysql": ("datetime", "timestamp"),
}
BOOLEANS = ("boolean",)
NUMBERS = (
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "tinyint", "mediumint", "int", "decimal",
    "float", "double",
)  # fmt: skip
# the key of a column that is an expression
SQL = "sql:"
BYTES = ("bytea", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary")


@dataclass(frozen=True)
class Join:
    """A table at the side: at most one of its rows for a row of the object's own table, or none.

    Attributes:
        on: its column -> the column that it equals, `column` of the object's table or `alias.column`.
        where: its column -> the value that it must have.
    """

    table: str
    on: dict[str, str]
    where: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectSpec:
    """How a landing object is read from tables (an entry under `objects:`; README.md).

    Attributes:
        columns: landing column -> `column`, `alias.column`, `column->key` of a JSON column (a plain one is taken as it
            is), a list of these that is joined with blanks, or `sql:` and an expression.
        updated_at: the column that later loads go by; None reads everything every night.
        deleted: column and value of the flag that marks deleted rows.
        where: an expression that rows must meet.
        compare: whether keys that vanished from the table are landed as deleted.
        ignore: columns of the table that stay out of `properties`.
        mapping: values, formats, constants, time zone.
    """

    contract: ObjectContract
    table: str
    columns: dict[str, str | list[str]]
    mapping: Mapping
    updated_at: str | None = None
    deleted: tuple[str, Any] | None = None
    where: str | None = None
    joins: dict[str, Join] = field(default_factory=dict)
    compare: bool = False
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """A SELECT and where its columns go.

    Attributes:
        sql: the statement; its result columns are named c1, c2 ….
        mapped: landing column -> result column.
        leftovers: column of the table -> result column.
    """

    sql: str
    mapped: dict[str, str]
    leftovers: dict[str, str]


def catalogue_query(dialect: str, schema: str | None) -> str:
    """SELECT of table, column and data type of everything that this user may see in the schema (None: his own)."""
    own = "current_schema()" if dialect == "postgresql" else "database()"
    name, column, kind = (f"cast({one} as char(192))" for one in ("table_name", "column_name", "data_type"))
    if dialect == "postgresql":
        name, column, kind = (f"{one}::text" for one in ("table_name", "column_name", "data_type"))
    wanted = text_literal(schema, dialect) if schema else own
    return f"select {name}, {column}, {kind} from information_schema.columns where table_schema = {wanted}"


class Statements:
    """The statements of one object against one database.

    Raises:
        ConfigError: a table or column that the object names does not exist; the nearest names are told.
    """

    def __init__(self, spec: ObjectSpec, catalogue: Catalogue, dialect: str, schema: str | None) -> None:
        self.spec, self.catalogue, self.dialect, self.schema = spec, catalogue, dialect, schema
        self.tables = {MAIN: spec.table, **{alias: join.table for alias, join in spec.joins.items()}}
        for table in self.tables.values():
            if table not in catalogue:
                raise self._unknown("table", table, list(catalogue))
        if spec.updated_at is not None and self.kind_of(spec.updated_at) not in MOMENTS[dialect]:
            raise self._wrong(
                "the column of the last change is no point in time",
                spec.updated_at,
                f"a column of type {' or '.join(MOMENTS[dialect])}",
                self.kind_of(spec.updated_at),
            )

    def rows(self, since: datetime | None, until: datetime | None) -> Selection:
        """The object's rows, changed in [since, until); a row whose last change is not known is always among them."""
        spec, contract = self.spec, self.spec.contract
        expressions: dict[str, str] = {}
        mapped: dict[str, str] = {}
        for landing, source in spec.columns.items():
            mapped[landing] = self._result(expressions, self._value(source))
        if spec.deleted is not None:
            column, value = spec.deleted
            flag = f"coalesce({self._column(column)} = {self._typed(column, value)}, false)"
            mapped["is_deleted"] = self._result(expressions, flag)
        missing = [name for name in contract.required if name not in mapped and name not in spec.mapping.constants]
        if missing:
            raise self._wrong(
                "nothing gives a required landing column",
                missing[0],
                f"`columns: {{{missing[0]}: …}}`",
                ", ".join(self.catalogue[spec.table]),
            )
        leftovers = {
            name: self._result(expressions, self._plain(name))
            for name, kind in self.catalogue[spec.table].items()
            if name not in self._used() and name not in spec.ignore and kind not in BYTES
        }
        listed = ", ".join(f"{sql} as {name}" for sql, name in expressions.items())
        return Selection(f"select {listed} {self._from(since, until)}", mapped, leftovers)

    def newest(self, since: datetime | None, until: datetime | None) -> str:
        """SELECT of the last change in [since, until)."""
        moment = self._column(self.spec.updated_at or "")
        bounds = " and ".join([f"{moment} is not null", *self._bounds(since, until)])
        return f"select max({moment}) {self._from(None, None)} and {bounds}"

    def keys(self) -> str:
        """SELECT of the keys that the table holds now, in the order of the contract's key."""
        values = [self._value(self.spec.columns[name]) for name in self.spec.contract.key]
        listed = ", ".join(f"{value} as k{number}" for number, value in enumerate(values, 1))
        return f"select {listed} {self._from(None, None)}"

    def _from(self, since: datetime | None, until: datetime | None) -> str:
        spec = self.spec
        sql = f"from {self._table(spec.table)} as {MAIN}"
        for alias, join in spec.joins.items():
            pairs = [f"{self._column(f'{alias}.{own}')} = {self._column(other)}" for own, other in join.on.items()]
            pairs += [
                f"{self._column(f'{alias}.{own}')} = {self._typed(f'{alias}.{own}', value)}"
                for own, value in join.where.items()
            ]
            sql += f" left join {self._table(join.table)} as {self.quoted(alias)} on {' and '.join(pairs)}"
        conditions = [f"({spec.where})" if spec.where else "1 = 1"]
        bounds = self._bounds(since, until)
        if bounds and spec.updated_at:
            conditions.append(f"(({' and '.join(bounds)}) or {self._column(spec.updated_at)} is null)")
        return f"{sql} where {' and '.join(conditions)}"

    def _bounds(self, since: datetime | None, until: datetime | None) -> list[str]:
        if not self.spec.updated_at:
            return []
        moment = self._column(self.spec.updated_at)
        lower = [f"{moment} >= {self._moment(since)}"] if since else []
        return lower + ([f"{moment} < {self._moment(until)}"] if until else [])

    def _moment(self, when: datetime) -> str:
        """A literal of the type of `updated_at`; without a zone of its own it holds local time of the mapping's."""
        kind = self.kind_of(self.spec.updated_at or "")
        if kind == "timestamp with time zone":
            return f"timestamptz '{when.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S.%f}+00:00'"
        # the session's zone, in which mysql gives its `timestamp`, is utc
        zone = "UTC" if kind == "timestamp" else self.spec.mapping.timezone
        return f"timestamp '{when.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S.%f}'"

    def _value(self, source: str | list[str]) -> str:
        if isinstance(source, str) and source.startswith(SQL):
            expression = f"({source.removeprefix(SQL)})"
            # as text, which is what its type would be guessed from
            return expression if self.dialect == "mysql" else f"{expression}::text"
        if isinstance(source, str):
            return self._plain(source)
        return f"concat_ws(' ', {', '.join(self._plain(one) for one in source)})"

    def _plain(self, source: str) -> str:
        source, _, key = source.partition("->")
        column, kind = self._column(source), self.kind_of(source)
        if key and kind in ("json", "jsonb"):
            if self.dialect == "mysql":
                path = text_literal(f'$."{key}"', self.dialect)
                return f"json_unquote(json_extract({column}, {path}))"
            return f"{column} ->> {text_literal(key, self.dialect)}"
        if self.dialect == "mysql":
            return f"{column} + 0" if kind == "bit" else f"lower(hex({column}))" if kind in BYTES else column
        if kind in BYTES:
            return f"encode({column}, 'hex')"
        return column if kind in PASSED_ON else f"{column}::text"

    def _typed(self, source: str, value: Any) -> str:
        """A literal for comparing with a column."""
        kind, text = self.kind_of(source), str(value).lower()
        if kind in BOOLEANS and text in ("true", "false", "1", "0"):
            return "true" if text in ("true", "1") else "false"
        if kind in NUMBERS or kind == "bit":
            number = {"true": "1", "false": "0"}.get(text, text)
            if re.fullmatch(r"-?[0-9]+([.][0-9]+)?", number):
                return number
        elif kind not in BOOLEANS:
            return text_literal(str(value), self.dialect)
        raise self._wrong("a value is not of its column's type", source, kind, repr(value))

    def _used(self) -> set[str]:
        """Columns of the object's own table that landing columns take."""
        sources = [one for each in self.spec.columns.values() for one in ([each] if isinstance(each, str) else each)]
        if self.spec.deleted is not None:
            sources.append(self.spec.deleted[0])
        named = [one for one in sources if not one.startswith(SQL)]
        return {self._split(one)[1] for one in named if self._split(one)[0] == MAIN}

    @staticmethod
    def _result(expressions: dict[str, str], sql: str) -> str:
        return expressions.setdefault(sql, f"c{len(expressions) + 1}")

    def _split(self, source: str) -> tuple[str, str]:
        source = source.partition("->")[0]
        alias, dot, column = source.partition(".")
        return (alias, column) if dot and alias in self.tables else (MAIN, source)

    def kind_of(self, source: str) -> str:
        """The data type of a column, as information_schema names it."""
        alias, column = self._split(source)
        columns = self.catalogue[self.tables[alias]]
        if column not in columns:
            raise self._unknown("column", column, list(columns), self.tables[alias])
        return columns[column]

    def _column(self, source: str) -> str:
        self.kind_of(source)
        alias, column = self._split(source)
        return f"{self.quoted(alias)}.{self.quoted(column)}"

    def _table(self, name: str) -> str:
        return f"{self.quoted(self.schema)}.{self.quoted(name)}" if self.schema else self.quoted(name)

    def quoted(self, name: str) -> str:
        """An identifier; whether it exists was looked up before."""
        mark = '"' if self.dialect == "postgresql" else "`"
        return mark + name.replace(mark, mark * 2) + mark

    def _unknown(self, kind: str, name: str, known: list[str], table: str | None = None) -> ConfigError:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        listed = ", ".join(sorted(known)[:40]) or "nothing that this user may read"
        return self._wrong(
            f"a {kind} that the sources file names does not exist",
            name,
            f"a {kind} {name}" + (f" in {table}" if table else ""),
            listed + (f" (nearest: {', '.join(near)})" if near else ""),
        )

    def _wrong(self, problem: str, name: str, expected: str, found: str) -> ConfigError:
        return ConfigError(
            problem,
            source=f"{self.spec.contract.stream}/sql",
            object=self.spec.contract.name,
            field=name,
            expected=expected,
            found=found,
            remedy="correct this object in the sources file, or give the user the right to read it",
        )


def text_literal(text: str, dialect: str) -> str:
    """A SQL string literal; MySQL reads a backslash as the beginning of an escape."""
    escaped = text.replace("'", "''")
    return "'" + (escaped.replace("\\", "\\\\") if dialect == "mysql" else escaped) + "'"


def why_no_expression(text: str, dialect: str) -> str | None:
    """What keeps a `where:` from being one expression; None when nothing does."""
    outside = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`", "''", text)
    for sign in (";", "--", "/*", "*/", *(["#"] if dialect == "mysql" else [])):
        if sign in text:
            return f"{sign!r} in it"
    if re.sub("''", "", outside).count("'") or '"' in outside or "`" in outside:
        return "a quote that is not closed"
    depth = 0
    for sign in outside:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    return "brackets that do not match" if depth or not text.strip() else None
