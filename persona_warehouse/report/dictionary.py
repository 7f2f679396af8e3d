"""The data dictionary of a release: what its tables and columns mean, what holds them, and from where they come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from persona_warehouse.report.release_tables import ReleaseTables
from persona_warehouse.report.texts import Language

AREAS = ("people", "personas", "journeys", "operations", "quality")
FEW_ORIGINS = 3  # tables that a column comes from and that are shown at once; more of them wait behind a click


@dataclass(frozen=True)
class Origin:
    """One relation that a column comes from, with its columns.

    Attributes:
        kind: model, staging, seed, python, file, none or unread, as in quality.column_lineage.
    """

    kind: str
    table: str | None
    columns: tuple[str, ...]
    reason: str | None

    @property
    def is_published(self) -> bool:
        return (self.table or "").startswith("marts.")

    @property
    def short(self) -> str:
        """The table without its schema, where its name says what it is."""
        schema, _, name = (self.table or "").partition(".")
        return name if schema in ("staging", "seeds", "intermediate") else self.table or ""


@dataclass(frozen=True)
class Column:
    """A published column; `told` is what the project says of it, empty where it says nothing."""

    name: str
    type_: str
    told: Mapping[str, Any]
    origins: tuple[Origin, ...]

    def text(self, language: Language) -> Markup:
        return _shown(self.told, language)

    @property
    def steps(self) -> list[Origin]:
        """The models one step before."""
        return [one for one in self.origins if one.kind == "model"]

    @property
    def ends(self) -> list[Origin]:
        """What can be told of where it comes from in the end."""
        return [one for one in self.origins if one.kind not in ("model", "unread")]

    @property
    def unread(self) -> list[Origin]:
        return [one for one in self.origins if one.kind == "unread"]

    def value(self, value: str, language: Language) -> Markup | None:
        """A value in words, where the pages have a word for it under the column's name."""
        group = next((g for g in (f"values.{self.name}", f"{self.name}s") if language.has(f"{g}.{value}")), None)
        return language.label(group, value) if group else None


@dataclass(frozen=True)
class Check:
    """An expectation of the audit before publishing, the same of several columns told once; without one of the table.

    Attributes:
        broken: rows that break it; None where it holds.
    """

    columns: tuple[str, ...]
    expectation: str
    severity: str
    broken: int | None
    reason: str | None
    owner: str | None


@dataclass(frozen=True)
class Table:
    """A published table: `name` with its schema."""

    name: str
    rows: int
    told: Mapping[str, Any]
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        return self.name.partition(".")[2]

    @property
    def file(self) -> str | None:
        """The same as a file of its own, in the folder of the release."""
        return f"marts/{self.short}.parquet" if self.schema == "marts" else None

    def text(self, language: Language) -> Markup:
        return _shown(self.told, language)


@dataclass(frozen=True)
class Dictionary:
    """All published tables, by area."""

    areas: tuple[tuple[str, tuple[Table, ...]], ...]

    @property
    def tables(self) -> list[Table]:
        return [table for _, tables in self.areas for table in tables]

    @property
    def followed(self) -> list[Column]:
        """The columns that lineage tells of: those that SQL makes."""
        return [column for table in self.tables for column in table.columns if column.origins]

    @property
    def unread(self) -> list[Column]:
        return [column for column in self.followed if column.unread]

    @property
    def unread_models(self) -> list[tuple[str, str]]:
        """At which models reading ended, and why."""
        return sorted({(one.short, one.reason or "") for column in self.unread for one in column.unread})


def _shown(told: Mapping[str, Any], language: Language) -> Markup:
    """A text of the project as HTML: what stands between backticks is code."""
    parts = str(told.get("texts", {}).get(language.code, "")).split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )


def read_dictionary(
    release: ReleaseTables, manifest: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]
) -> Dictionary:
    """Puts together what the release holds and what the project says.

    Args:
        manifest: tables {schema.table: {rows}}.
        told: schema.table -> area, texts, grain, order_by, columns, together, facts, rules, readers.
    """
    checks = dict(_checks(release))
    origins = dict(_origins(release))
    tables = [
        Table(
            name,
            int(manifest["tables"].get(name, {}).get("rows", 0)),
            told.get(name, {}),
            tuple(
                Column(column, type_, told.get(name, {}).get("columns", {}).get(column, {}), origins.get(key, ()))
                for column, type_ in columns
                for key in [(name, column)]
            ),
            checks.get(name, ()),
        )
        for name, columns in release.columns().items()
    ]
    by_area: dict[str, list[Table]] = defaultdict(list)
    for table in tables:
        by_area[table.told.get("area", table.schema)].append(table)
    order = [*AREAS, *sorted(set(by_area) - set(AREAS))]
    return Dictionary(tuple((area, tuple(by_area[area])) for area in order if area in by_area))


def _checks(release: ReleaseTables) -> Iterator[tuple[str, tuple[Check, ...]]]:
    rows = release.rows(
        "quality.validation_results",
        """select suite, expectation, severity, broken, reason, owner,
                  list(column_name order by column_name) filter (column_name is not null) as columns
           from (
               select suite, column_name, severity, reason, owner,
                      case when not success then unexpected_count end as broken,
                      case when starts_with(expectation, column_name || ' ')
                           then substr(expectation, length(column_name) + 2) else expectation end as expectation
               from quality.validation_results
               where boundary = 'marts'
                     and as_of_date = (select max(as_of_date) from quality.validation_results)
           )
           group by all order by suite, broken desc nulls last, severity, expectation""",
    )
    for suite, some in groupby(rows, lambda row: str(row.pop("suite"))):
        yield f"marts.{suite}", tuple(Check(**row | {"columns": tuple(row["columns"] or ())}) for row in some)


def _origins(release: ReleaseTables) -> Iterator[tuple[tuple[str, str], tuple[Origin, ...]]]:
    rows = release.rows(
        "quality.column_lineage",
        """select table_name, column_name, origin_kind, origin_table, reason,
                  list(origin_column order by origin_column) filter (origin_column is not null) as origin_columns
           from quality.column_lineage
           group by table_name, column_name, origin_kind, origin_table, reason
           order by table_name, column_name,
                    list_position(['model', 'staging', 'python', 'seed', 'file', 'none', 'unread'], origin_kind),
                    origin_table""",
    )
    for (table, column), some in groupby(rows, lambda row: (row["table_name"], row["column_name"])):
        yield (
            (f"marts.{table}", column),
            tuple(
                Origin(row["origin_kind"], row["origin_table"], tuple(row["origin_columns"] or ()), row["reason"])
                for row in some
            ),
        )
