"""An erasure from its plan to its proof. Each part may be done twice, so that one that was cut off is done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from persona_warehouse import memory, object_store, publish, warehouse
from persona_warehouse.files import read_json, write_json
from persona_warehouse.landing.rewriting import tombstone
from persona_warehouse.landing.suppression import suppress
from persona_warehouse.night import warehouse_care
from persona_warehouse.night.erasure import landing, places, releases
from persona_warehouse.night.erasure.plan import Plan, close, save
from persona_warehouse.night.rebuild import Runner, is_published
from persona_warehouse.night.runs import StepRun
from persona_warehouse.settings import Settings


def preview(settings: Settings, plan: Plan) -> dict[str, int]:
    """What would go, place -> count; nothing is changed."""
    counts: dict[str, int] = {}
    for hit in landing.search(settings, plan.people):
        for what, number in (("rows removed", hit.gone), ("rows cleared", hit.cut)):
            place = f"landing {hit.stream}.{hit.file.object}: {what}"
            counts[place] = counts.get(place, 0) + number
    counts["releases rewritten"] = len(releases.search(settings, plan))
    return {place: number for place, number in counts.items() if number}


def erase(
    settings: Settings, plan: Plan, say: Callable[[str], None], run: Runner
) -> tuple[dict[str, Any], list[StepRun]]:
    """Does what the plan says, and writes the proof.

    Args:
        settings: with the lock of the night held.
        say: takes a line for people when a part is done.
        run: runs the DAG build_personas and returns its steps.

    Returns:
        the proof, and the steps of the build.

    Raises:
        PersonaError: a load or a publication is under way; what was begun is finished by the next try.
    """
    save(settings, plan)
    if plan.is_suppressed:
        say(f"suppressed: {suppress(settings, plan.erasure_id, plan.people)} identifiers, as keyed hashes")
    plan = _done(settings, plan, landing.erase(settings, plan.erasure_id, plan.people), say, "landing")
    # what is built next takes what the store has
    _send(settings, object_store.send_landing)
    _forget(settings, plan)
    say("memory and warehouse: forgotten; the warehouse is built anew")
    at = settings.with_date(date.fromisoformat(plan.business_date)) if plan.business_date else settings
    steps = run(at)
    plan = _done(settings, plan, releases.erase(settings, plan), say, "releases")
    plan = _done(settings, plan, places.erase(settings, plan), say, "everything else")
    _send(settings, object_store.send_landing)
    _send(settings, object_store.send_releases)
    proof = _proof(settings, plan, steps)
    write_json(proof_file(settings, plan.erasure_id), proof)
    if not any(proof["left_in_this_home"].values()):
        close(settings, plan)
    return proof, steps


def _send(settings: Settings, send: Callable[[Settings], int]) -> None:
    if settings.objects:
        send(settings)


def _done(settings: Settings, plan: Plan, found: dict[str, int], say: Callable[[str], None], part: str) -> Plan:
    plan = plan.counted(found)
    save(settings, plan)
    say(f"{part}: " + (", ".join(f"{place} {number:,}" for place, number in found.items()) or "nothing was left"))
    return plan


def _forget(settings: Settings, plan: Plan) -> None:
    """Writes the memory without them, and drops the warehouse: DuckDB keeps what was deleted in its file."""
    if warehouse_care.is_before_rebuild(settings):
        warehouse_care.put_back(settings)
    if settings.warehouse_file.exists() and not warehouse_care.damage_on_opening(settings):
        with warehouse.connect(settings.warehouse_file, read_only=True) as connection:
            _remember_without(settings, plan, connection)
    elif memory.is_there(settings):
        with warehouse.scratch() as connection:
            memory.recall(settings, connection)
            _remember_without(settings, plan, connection)
    warehouse_care.drop(settings)


def _remember_without(settings: Settings, plan: Plan, connection: duckdb.DuckDBPyConnection) -> None:
    for name, values in (("nodes", plan.nodes), ("ids", plan.contact_ids)):
        connection.execute(
            f"create or replace temp table erased_{name} as select unnest($1::varchar[]) as one", [sorted(values)]
        )
        connection.execute(f"set variable erased_{name} = (select coalesce(list(one), []) from erased_{name})")
    connection.execute("create or replace temp table erased_terms (column_name varchar, term varchar)")
    warehouse.insert(connection, "erased_terms", sorted(plan.terms))
    memory.remember(settings, connection, erasing=True)


def _proof(settings: Settings, plan: Plan, steps: list[StepRun]) -> dict[str, Any]:
    """What was done and what a search finds now: counts and hashes, nothing of the people."""
    left = landing.search(settings, plan.people)
    current = publish.current_release(settings)
    return {
        "erasure_id": plan.erasure_id,
        "started_at": plan.started_at,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "identifiers": {kind: len(values) for kind, values in plan.people.identifiers.items() if values},
        "identifiers_of_others_too": plan.shared,
        "records": len(plan.nodes),
        "done": dict(plan.counts),
        "files_rewritten": _files_rewritten(settings, plan),
        "warehouse": "built anew and published" if is_published(steps) else "dropped; the next night builds it",
        "current_release": current.release_id if current else None,
        "left_in_this_home": {
            "landing rows": sum(hit.gone + hit.cut for hit in left),
            "releases": len(releases.search(settings, plan)),
            "other files": places.search(settings, plan),
            "segments that the receiver still writes": places.open_segments(settings, plan),
        },
        "left_in_sources": places.sources_left(settings, plan),
    }


def _files_rewritten(settings: Settings, plan: Plan) -> list[dict[str, Any]]:
    path = tombstone(settings, plan.erasure_id)
    return list(read_json(path)["files"]) if path.exists() else []


def proof_file(settings: Settings, erasure_id: str) -> Path:
    """Where the proof of an erasure stands."""
    return settings.home / "erasures" / f"{erasure_id}.json"


def suppress_only(settings: Settings, plan: Plan) -> int:
    """Keeps somebody out whom nothing here knows yet; returns the number of identifiers."""
    return suppress(settings, plan.erasure_id, plan.people)
