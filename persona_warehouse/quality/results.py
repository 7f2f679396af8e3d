"""What an audit leaves behind: one row an expectation, in results.json of the night and in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb

from persona_warehouse.files import read_json, write_json
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import insert

Boundary = Literal["staging", "marts"]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)

COLUMN_TYPES = {
    "as_of_date": "date",
    "boundary": "varchar",
    "suite": "varchar",
    "expectation": "varchar",
    "column_name": "varchar",
    "severity": "varchar",
    "success": "boolean",
    "evaluated_count": "bigint",
    "unexpected_count": "bigint",
    "unexpected_share": "double",
    "observed_value": "varchar",
    "reason": "varchar",
    "owner": "varchar",
}


@dataclass(frozen=True)
class Result:
    """The outcome of one expectation; counts only, never a value of a row.

    Attributes:
        suite: the audited table.
        expectation: what should hold, a sentence.
        column_name: the column it is about, if it is about one.
        severity: critical, warning or info.
        evaluated_count, unexpected_count: rows looked at and rows that break it.
        unexpected_share: of the two, 0 to 1; None when no row was looked at.
        observed_value: the number that was compared.
        reason: why the bound is what it is.
        owner: who mends it.
    """

    as_of_date: date
    boundary: Boundary
    suite: str
    expectation: str
    column_name: str | None
    severity: str
    success: bool
    evaluated_count: int
    unexpected_count: int
    unexpected_share: float | None
    observed_value: str
    reason: str
    owner: str


def audit_folder(settings: Settings) -> Path:
    """Where the audit of a night leaves its files: results.json, quality/index.html and validations/."""
    return settings.audits / settings.business_date.isoformat()


def read_results(settings: Settings) -> list[Result]:
    """The results of both boundaries, as far as they were audited; empty before the first audit of the night."""
    file = audit_folder(settings) / "results.json"
    return [_from_json(row) for row in read_json(file)["results"]] if file.exists() else []


def save_results(settings: Settings, boundary: Boundary, results: Iterable[Result]) -> list[Result]:
    """Puts the results of one boundary into the night's results.json, in place of those of an earlier run.

    Returns:
        The results of both boundaries, as written: staging first, then as the suites list them.
    """
    others = [result for result in read_results(settings) if result.boundary != boundary]
    together = sorted([*others, *results], key=lambda result: BOUNDARIES.index(result.boundary))
    content = {
        "as_of_date": settings.business_date.isoformat(),
        "results": [asdict(result) | {"as_of_date": result.as_of_date.isoformat()} for result in together],
    }
    write_json(audit_folder(settings) / "results.json", content)
    return together


def write_results(connection: duckdb.DuckDBPyConnection, results: Iterable[Result]) -> int:
    """Writes quality.validation_results anew; typed also when there are no results.

    Returns:
        The number of rows written.
    """
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMN_TYPES.items())
    rows = [tuple(asdict(result).values()) for result in results]
    connection.execute("create schema if not exists quality")
    connection.execute(f"create or replace table quality.validation_results ({columns})")
    insert(connection, "quality.validation_results", rows)
    return len(rows)


def _from_json(row: dict[str, Any]) -> Result:
    known = {field.name for field in fields(Result)}
    values = {name: value for name, value in row.items() if name in known}
    return Result(**values | {"as_of_date": date.fromisoformat(row["as_of_date"])})
