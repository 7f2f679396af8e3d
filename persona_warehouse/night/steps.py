"""The steps of a night. A task of a DAG is one call of one of these."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from persona_warehouse.night.runs import record, recorded
from persona_warehouse.settings import Settings, load_settings


def ingest(stream: str, business_date: str | None = None, *, force: bool = False, sources: str | None = None) -> Any:
    """Lands what is new in a stream; `sources` is another sources file than the usual one."""
    from persona_warehouse.sources.load import load_stream

    def load(settings: Settings) -> Any:
        if not settings.objects:
            return load_stream(settings, stream, force=force)
        from persona_warehouse import object_store

        # whichever machine this is: it has what the others landed, and they get what it lands
        object_store.fetch_landing(settings, [stream])
        done = load_stream(settings, stream, force=force)
        object_store.send_landing(settings, [stream])
        return done

    return _step(business_date, f"ingest_{stream}", "load", load, sources)


def build_staging(business_date: str | None = None) -> Any:
    """Takes the new loads into staging and quarantine."""
    return _build_step("build_staging", business_date)


def audit_staging(business_date: str | None = None) -> Any:
    """Audits what enters."""
    return _build_step("audit_staging", business_date)


def resolve_identities(business_date: str | None = None) -> Any:
    """Finds out who is who."""
    return _build_step("resolve_identities", business_date)


def build_marts(business_date: str | None = None) -> Any:
    """Builds the marts."""
    return _build_step("build_marts", business_date)


def audit_marts(business_date: str | None = None) -> Any:
    """Audits what leaves."""
    return _build_step("audit_marts", business_date)


def publish_release(business_date: str | None = None) -> Any:
    """Publishes the audited marts with their report, and points `current` at them."""
    return _build_step("publish_release", business_date)


def _step(
    business_date: str | None, dag: str, task: str, body: Callable[[Settings], Any], sources: str | None = None
) -> Any:
    settings = load_settings(sources=sources, business_date=business_date)
    return record(settings, dag, task, lambda: body(settings))


def _build_step(task: str, business_date: str | None) -> Any:
    """A step on the warehouse, which is made ready before the first one, and built again where it proves damaged."""
    from persona_warehouse.night import warehouse_care

    def run(settings: Settings) -> Any:
        ready = warehouse_care.make_ready(settings) if task == "build_staging" else ""
        done = warehouse_care.healing(settings, lambda: BODIES[task](settings), lambda: _build_up_to(task, settings))
        return f"{ready}; {done}" if ready else done

    return _step(business_date, "build_personas", task, run)


def _build_up_to(task: str, settings: Settings) -> None:
    """What the warehouse must hold before a step."""
    for name in BODIES:
        if name == task:
            return
        if not name.startswith("audit"):
            BODIES[name](settings)


def _resolve(settings: Settings) -> Any:
    from persona_warehouse.identity.resolve import resolve

    return resolve(settings)


def _publish(settings: Settings) -> Any:
    from persona_warehouse.night.release import publish_night

    release = publish_night(settings)
    # the release stands, whatever becomes of its copies
    said = [str(release)]
    if settings.objects:
        from persona_warehouse.object_store import send_releases

        said.append(f"{send_releases(settings)} files to the object store")
    if settings.publish_postgres:
        from persona_warehouse.mirror import mirror

        said.append(f"in PostgreSQL {mirror(release, settings.publish_postgres)}")
    return "; ".join(said) if said[1:] else release


def _build(settings: Settings, layer: str) -> str:
    from persona_warehouse import transform

    if settings.objects and layer == "staging":
        from persona_warehouse.object_store import fetch_landing

        fetch_landing(settings)
    results = transform.build(settings, layer)
    kinds: dict[str, int] = {}
    for result in results:
        kinds[result.resource_type] = kinds.get(result.resource_type, 0) + 1
    return ", ".join(f"{number} {kind}s" for kind, number in sorted(kinds.items()))


def _audit(settings: Settings, boundary: Any) -> str:
    from persona_warehouse.quality.audit import over_nights, raise_if_failed, run_audit

    begun = [run.started_at for run in recorded(settings) if run.task == "build_staging"]
    until = datetime.fromisoformat(begun[-1]) if begun else None
    beside = over_nights(settings, boundary, settings.warehouse_file, until)
    outcome = run_audit(settings, boundary, database=settings.warehouse_file, docs=boundary == "marts", beside=beside)
    raise_if_failed(outcome)
    mine = [result for result in outcome.results if result.boundary == boundary]
    missed = sum(not result.success for result in mine)
    return f"{len(mine) - missed} of {len(mine)} expectations hold" + (f", {missed} to look at" if missed else "")


# in the order of the night
BODIES: dict[str, Callable[[Settings], Any]] = {
    "build_staging": lambda settings: _build(settings, "staging"),
    "audit_staging": lambda settings: _audit(settings, "staging"),
    "resolve_identities": _resolve,
    "build_marts": lambda settings: _build(settings, "marts"),
    "audit_marts": lambda settings: _audit(settings, "marts"),
    "publish_release": _publish,
}
