"""The steps of a night. A task of a DAG is one call of one of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from persona_warehouse.night.runs import record
from persona_warehouse.settings import Settings, load_settings


def ingest(stream: str, business_date: str | None = None, *, force: bool = False) -> Any:
    """Lands what is new in a stream."""
    from persona_warehouse.sources.load import load_stream

    return _step(business_date, f"ingest_{stream}", "load", lambda s: load_stream(s, stream, force=force))


def build_staging(business_date: str | None = None) -> Any:
    """Takes the new loads into staging and quarantine."""
    return _step(business_date, "build_personas", "build_staging", lambda s: _build(s, "staging"))


def audit_staging(business_date: str | None = None) -> Any:
    """Audits what enters."""
    return _step(business_date, "build_personas", "audit_staging", lambda s: _audit(s, "staging"))


def resolve_identities(business_date: str | None = None) -> Any:
    """Finds out who is who."""
    from persona_warehouse.identity.resolve import resolve

    return _step(business_date, "build_personas", "resolve_identities", resolve)


def build_marts(business_date: str | None = None) -> Any:
    """Builds the marts."""
    return _step(business_date, "build_personas", "build_marts", lambda s: _build(s, "marts"))


def audit_marts(business_date: str | None = None) -> Any:
    """Audits what leaves."""
    return _step(business_date, "build_personas", "audit_marts", lambda s: _audit(s, "marts"))


def publish_release(business_date: str | None = None) -> Any:
    """Publishes the audited marts with their report, and points `current` at them."""
    from persona_warehouse.night.release import publish_night

    return _step(business_date, "build_personas", "publish_release", publish_night)


def _step(business_date: str | None, dag: str, task: str, body: Callable[[Settings], Any]) -> Any:
    settings = load_settings(business_date=business_date)
    return record(settings, dag, task, lambda: body(settings))


def _build(settings: Settings, layer: str) -> str:
    from persona_warehouse import transform

    results = transform.build(settings, layer)
    kinds: dict[str, int] = {}
    for result in results:
        kinds[result.resource_type] = kinds.get(result.resource_type, 0) + 1
    return ", ".join(f"{number} {kind}s" for kind, number in sorted(kinds.items()))


def _audit(settings: Settings, boundary: Any) -> str:
    from persona_warehouse.quality.audit import raise_if_failed, run_audit

    outcome = run_audit(settings, boundary, database=settings.warehouse_file, docs=boundary == "marts")
    raise_if_failed(outcome)
    mine = [result for result in outcome.results if result.boundary == boundary]
    missed = sum(not result.success for result in mine)
    return f"{len(mine) - missed} of {len(mine)} expectations hold" + (f", {missed} to look at" if missed else "")
