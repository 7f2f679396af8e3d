"""Who is being erased and how far it has come: a file for the owner alone, gone when all is done."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona_warehouse.files import read_json, write_atomically
from persona_warehouse.landing.erasing import People
from persona_warehouse.settings import Settings


@dataclass(frozen=True)
class Plan:
    """An erasure.

    Attributes:
        erasure_id: names the proof, the tombstone and the entry of suppression.
        people: whom.
        contact_ids: of the warehouse, present and former ones.
        nodes: keys of their records in identity.*.
        terms: (column, term) that only they bear in the tables of frequencies.
        shared: how many identifiers are others' too and stay.
        business_date: of the night that builds anew.
        is_suppressed: later loads do not bring them back.
        counts: what was done so far, place -> count; no personal data.
    """

    erasure_id: str
    started_at: str
    people: People
    contact_ids: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    terms: frozenset[tuple[str, str]] = frozenset()
    shared: int = 0
    business_date: str = ""
    is_suppressed: bool = True
    counts: Mapping[str, int] = field(default_factory=dict)

    def counted(self, found: Mapping[str, int]) -> Plan:
        """The plan with counts added; a place that is done again when nothing is left of it keeps its former count."""
        return replace(self, counts={**self.counts, **{k: v + self.counts.get(k, 0) for k, v in found.items()}})


def new_id() -> str:
    """Sortable; tells when, not whom."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def _folder(settings: Settings) -> Path:
    return settings.secrets / "erasing"


def save(settings: Settings, plan: Plan) -> None:
    """Writes the plan."""
    _folder(settings).mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {
        **{k: v for k, v in vars(plan).items() if k != "people"},
        "contact_ids": sorted(plan.contact_ids),
        "nodes": sorted(plan.nodes),
        "terms": sorted(map(list, plan.terms)),
        "counts": dict(plan.counts),
        "identifiers": {kind: sorted(values) for kind, values in plan.people.identifiers.items()},
        "names": sorted(plan.people.names),
        "companies": sorted(plan.people.companies),
        "company_names": sorted(plan.people.company_names),
        "kept": sorted(plan.people.kept),
    }
    write_atomically(_file(settings, plan), json.dumps(content, ensure_ascii=False, indent=1) + "\n", mode=0o600)


def unfinished(settings: Settings) -> list[Plan]:
    """Erasures that were begun and not ended, the oldest first."""
    return [_plan(read_json(path)) for path in sorted(_folder(settings).glob("*.json"))]


def close(settings: Settings, plan: Plan) -> None:
    """Nothing is left to do: nothing is left of whom it was about."""
    for path in _folder(settings).glob(f"*{plan.erasure_id}*"):
        path.unlink()


def _file(settings: Settings, plan: Plan) -> Path:
    return _folder(settings) / f"{plan.erasure_id}.json"


def _plan(value: dict[str, Any]) -> Plan:
    people = People(
        {kind: frozenset(values) for kind, values in value["identifiers"].items()},
        frozenset(value["names"]),
        frozenset(value["companies"]),
        frozenset(value["company_names"]),
        frozenset(value["kept"]),
    )
    return Plan(
        value["erasure_id"],
        value["started_at"],
        people,
        frozenset(value["contact_ids"]),
        frozenset(value["nodes"]),
        frozenset((column, term) for column, term in value["terms"]),
        value["shared"],
        value["business_date"],
        value["is_suppressed"],
        value["counts"],
    )
