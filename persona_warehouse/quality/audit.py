"""The two audits of a night: what entered (staging) and what leaves (marts)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_warehouse import warehouse
from persona_warehouse.errors import AuditFailed, ConfigError, PersonaError
from persona_warehouse.files import read_json, write_json
from persona_warehouse.quality import drift, gates, reconciliation
from persona_warehouse.quality.findings import PLACES
from persona_warehouse.quality.places import places
from persona_warehouse.quality.results import (
    Boundary,
    Result,
    audit_folder,
    read_results,
    save_results,
    write_results,
)
from persona_warehouse.quality.thresholds import Bounds, load_bounds, load_reject_rates
from persona_warehouse.settings import Settings

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext

    from persona_warehouse.quality.datasource import DuckDBDatasource

__all__ = ["AuditOutcome", "Result", "over_nights", "raise_if_failed", "read_results", "run_audit", "write_results"]

# counts only: not one value of a row leaves the database
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
CRITICAL = "critical"


@dataclass(frozen=True)
class AuditOutcome:
    """How the audit of one boundary ended.

    Attributes:
        passed: no critical expectation is broken.
        results: one for each expectation of this boundary.
        docs_dir: the folder with the Data Docs (index.html), if they were built.
    """

    boundary: Boundary
    passed: bool
    results: list[Result]
    docs_dir: Path | None


def run_audit(
    settings: Settings, boundary: Boundary, *, database: Path, docs: bool, beside: Sequence[Result] = ()
) -> AuditOutcome:
    """Checks every table of a boundary and leaves results.json, and the Data Docs where asked.

    The Data Docs show both boundaries of the night, also when they were audited by different processes. They are
    always built when the audit failed, so that there is something to read.

    Args:
        database: the DuckDB file with the schemas staging, quarantine and, for the marts, marts. Opened read-only;
            every connection to it is closed at the end.
        docs: build the Data Docs.
        beside: results of what no table tells by itself (`over_nights`), which count like the others.

    Raises:
        PersonaError: a table is missing, or an expectation could not be evaluated.
        ConfigError: the file or a threshold is missing.
    """
    # great expectations takes seconds to import: only who audits pays for it
    from persona_warehouse.quality.datasource import opened

    if not database.exists():
        raise ConfigError(
            f"there is nothing to audit at the boundary {boundary}",
            file=str(database),
            expected="the warehouse that the build writes",
            remedy="run the build first",
        )
    with opened(_context(), database, boundary) as source:
        validations = _validate(settings, boundary, source)
        where = _places(boundary, validations, source)
    results = [
        _result(settings, boundary, suite, one)
        for suite, validation in validations.items()
        for one in validation.results
    ] + list(beside)
    save_results(settings, boundary, results)
    folder = audit_folder(settings)
    told = read_json(folder / PLACES) if (folder / PLACES).exists() else {}
    write_json(folder / PLACES, told | {boundary: where})
    write_json(
        folder / "validations" / f"{boundary}.json",
        {suite: validation.to_json_dict() for suite, validation in validations.items()},
    )
    passed = not _broken(results)
    docs_dir = None
    # pages of an earlier run of the same night would contradict the results beside them
    shutil.rmtree(folder / "quality", ignore_errors=True)
    if docs or not passed:
        from persona_warehouse.quality.pages import build_docs

        docs_dir = build_docs(settings, read_results(settings))
    return AuditOutcome(boundary, passed, results, docs_dir)


def over_nights(settings: Settings, boundary: Boundary, database: Path, until: datetime | None = None) -> list[Result]:
    """What is compared with the landing zone and with former nights: rows, volume, freshness, the mix of values.

    Args:
        until: when staging began to be built; later loads are the next build's.

    Raises:
        ConfigError: a line of the seeds in gates/ cannot be read.
    """
    bounds = thresholds(settings)
    with warehouse.connect(database, read_only=True) as connection:
        found = reconciliation.reconcile(settings, connection, boundary, until)
        if boundary == "staging":
            found += gates.judge(settings, connection, bounds)
        return found + drift.judge(settings, connection, boundary, bounds)


def thresholds(settings: Settings) -> Bounds:
    """The seed audit_thresholds."""
    return load_bounds(settings.dbt_project / "seeds" / "audit_thresholds.csv")


def raise_if_failed(outcome: AuditOutcome) -> None:
    """Ends a night whose audit failed.

    Raises:
        AuditFailed: naming each broken critical expectation with its counts, the report, and who is to be asked.
    """
    broken = _broken(outcome.results)
    if not broken:
        return
    owners = ", ".join(sorted({result.owner for result in broken}))
    one = len(broken) == 1
    raise AuditFailed(
        f"the audit of {outcome.boundary} failed: {len(broken)} critical"
        f" {'expectation does' if one else 'expectations do'} not hold, nothing was published",
        object=", ".join(dict.fromkeys(result.suite for result in broken)),
        file=str(outcome.docs_dir / "index.html") if outcome.docs_dir else None,
        expected="; ".join(f"{result.suite}: {result.expectation}" for result in broken),
        found="; ".join(
            f"{result.suite}: {result.unexpected_count:,} of {result.evaluated_count:,} rows break it"
            for result in broken
        ),
        remedy=f"read the report, have the cause mended ({owners}), then run the night again;"
        " the last good release stays in place",
    )


def _broken(results: list[Result]) -> list[Result]:
    return [result for result in results if result.severity == CRITICAL and not result.success]


@cache
def _context() -> EphemeralDataContext:
    # one for the process: making it reads and registers every expectation there is
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validate(
    settings: Settings, boundary: Boundary, source: DuckDBDatasource
) -> dict[str, ExpectationSuiteValidationResult]:
    """The validation of every table of a boundary, by table name."""
    import great_expectations as gx

    from expectations import boundary_tables
    from expectations.rules import Given

    columns = _columns(source)
    entries = boundary_tables(boundary, [table for schema, table in columns if schema == boundary])
    _require_tables([(entry.schema, entry.table) for entry in entries], columns)
    given = Given(
        as_of=settings.business_date,
        day_end=_day_end(settings),
        bounds=thresholds(settings),
        columns={},
        reject_rate=load_reject_rates(settings.dbt_project / "seeds" / "gates" / "reject_rates.csv"),
    )
    validations = {}
    for entry in entries:
        expectations = entry.suite(replace(given, columns=columns[entry.schema, entry.table]))
        batch = source.add_table_asset(entry.table).add_batch_definition_whole_table("whole").get_batch()
        validations[entry.table] = batch.validate(
            gx.ExpectationSuite(name=entry.table, expectations=expectations), result_format=COUNTS_ONLY
        )
    return validations


def _places(
    boundary: Boundary, validations: dict[str, ExpectationSuiteValidationResult], source: DuckDBDatasource
) -> dict[str, dict[str, list[str]]]:
    """Suite -> fact -> where the first rows are that break it, of those that do not hold and are about rows."""
    columns = _columns(source)
    found: dict[str, dict[str, list[str]]] = {}
    for suite, validation in validations.items():
        for one in validation.results:
            asked = one.expectation_config
            if one.success or asked is None or any(_raised(one.exception_info or {})):
                continue
            at = places(asked, boundary, suite, columns[boundary, suite], source.query)
            if at:
                found.setdefault(suite, {})[(asked.meta or {})["fact"]] = at
    return found


def _day_end(settings: Settings) -> datetime:
    """The first instant after the business date, in UTC."""
    midnight = datetime.combine(settings.business_date + timedelta(days=1), time(), settings.zone)
    return midnight.astimezone(UTC)


def _columns(source: DuckDBDatasource) -> dict[tuple[str, str], dict[str, str]]:
    """Columns and types of every table, by schema and table."""
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, name, type_ in source.query(
        "select table_schema, table_name, column_name, data_type from information_schema.columns"
        " where table_catalog = current_database() order by table_schema, table_name, ordinal_position"
    ):
        columns.setdefault((schema, table), {})[name] = type_
    return columns


def _require_tables(wanted: list[tuple[str, str]], present: dict[tuple[str, str], dict[str, str]]) -> None:
    missing = [f"{schema}.{table}" for schema, table in wanted if (schema, table) not in present]
    if missing:
        raise PersonaError(
            "the audit misses tables; a table without data must exist, typed and empty",
            object=", ".join(missing),
            remedy="run the build of this layer first; if it ran, look for the model in dbt's results",
        )


def _result(settings: Settings, boundary: Boundary, suite: str, one: ExpectationValidationResult) -> Result:
    asked = one.expectation_config
    assert asked is not None  # noqa: S101  # gx types it as optional, a validation always carries it
    meta = asked.meta or {}
    _require_evaluated(suite, meta["fact"], one.exception_info or {})
    counts = one.result
    evaluated = counts["element_count"] - counts["missing_count"]
    unexpected = counts["unexpected_count"] or 0
    return Result(
        as_of_date=settings.business_date,
        boundary=boundary,
        suite=suite,
        expectation=meta["fact"],
        column_name=asked.kwargs.get("column"),
        severity=str(getattr(asked.severity, "value", asked.severity)),
        success=bool(one.success),
        evaluated_count=evaluated,
        unexpected_count=unexpected,
        unexpected_share=unexpected / evaluated if evaluated else None,
        observed_value=str(unexpected),
        reason=meta["reason"],
        owner=meta["owner"],
    )


def _require_evaluated(suite: str, fact: str, info: dict[str, Any]) -> None:
    """Raises when an expectation could not be evaluated: that says nothing about the data, and must not pass."""
    messages = _raised(info)
    if messages:
        raise PersonaError(
            f"an expectation could not be evaluated: {fact}",
            object=suite,
            # the first line says what the database refused; between single quotes it may cite a value
            found=re.sub("'.*'", "'…'", messages[0].splitlines()[0])[:300],
            remedy="the table's columns and the suite in expectations/ do not fit together; correct one of them",
        )


def _raised(info: dict[str, Any]) -> list[str]:
    """What an expectation that could not be evaluated raised."""
    raised = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    return [str(part.get("exception_message")) for part in raised if part.get("raised_exception")]
