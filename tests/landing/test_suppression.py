"""Who was erased does not come back with the next load."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.erasing import People
from persona_warehouse.landing.suppression import Suppressor, suppress
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import scratch
from tests.landing.test_erasing import ANN, rows_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


def entry(settings: Settings, erasure_id: str = "e1", found: dict[str, list[str]] = ANN) -> int:
    with scratch() as connection:
        return suppress(settings, erasure_id, People.of(connection, found, names=["王小安"]))


def left(suppressor: Suppressor, stream: str, name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = suppressor.clean(contract(stream, name), rows_of(stream, name, rows))
    return [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()]


def test_the_entry_tells_nothing_to_who_has_no_key_and_is_for_the_owner_alone(settings: Settings) -> None:
    assert entry(settings) == 9
    (path,) = (settings.secrets / "suppressed").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert (settings.secrets / "suppression_key").stat().st_mode & 0o077 == 0
    text = path.read_text()
    assert not any(value.lower() in text.lower() for values in ANN.values() for value in values if len(value) > 4)
    assert {kind: len(hashes) for kind, hashes in json.loads(text).items()} == dict.fromkeys(ANN, 1)
    assert all(len(one) == 64 for hashes in json.loads(text).values() for one in hashes)


def test_their_rows_do_not_land_and_are_counted(settings: Settings) -> None:
    entry(settings)
    suppressor = Suppressor(settings)
    bob = {"contact_id": "18", "email": "bob@haihe.example"}
    assert left(suppressor, "crm", "contacts", [{"contact_id": "17"}, bob]) == [bob]
    # under a new id, written otherwise
    assert left(suppressor, "crm", "leads", [{"lead_id": "1", "phone": "+86 138 0000 1951"}]) == []
    assert left(suppressor, "website", "events", [{"event_id": "1", "anonymous_id": "ck-1"}]) == []
    history = [{"record_type": kind, "record_id": "17"} for kind in ("contact", "company")]
    assert left(suppressor, "crm", "lifecycle_stage_history", history) == [history[1]]
    assert (suppressor.rows, suppressor.cut) == (4, 0)


def test_what_names_them_lands_without_their_name(settings: Settings) -> None:
    entry(settings)
    suppressor = Suppressor(settings)
    given = [
        {"activity_id": "a", "activity_type": "call", "contact_id": "17", "properties": '{"note":"13800001951"}'},
        {"activity_id": "b", "activity_type": "mail", "properties": '{"to":"Ann@haihe.example, bob@haihe.example"}'},
        {"activity_id": "c", "activity_type": "mail", "properties": '{"to":"bob@haihe.example"}'},
    ]
    found = left(suppressor, "crm", "activities", given)
    assert [row.get("contact_id") for row in found] == [None, None, None]
    assert [row["properties"] for row in found] == [
        '{"note":"[erased]"}', '{"to":"[erased], bob@haihe.example"}', '{"to":"bob@haihe.example"}',
    ]  # fmt: skip
    assert (suppressor.rows, suppressor.cut) == (0, 2)


def test_a_batch_without_them_is_the_same_object(settings: Settings) -> None:
    table = rows_of("crm", "contacts", [{"contact_id": "18", "email": "bob@haihe.example"}])
    assert Suppressor(settings).clean(contract("crm", "contacts"), table) is table
    entry(settings)
    assert Suppressor(settings).clean(contract("crm", "contacts"), table) is table
    assert isinstance(table, pa.Table)


def test_entries_add_up(settings: Settings) -> None:
    entry(settings, "e1")
    entry(settings, "e2", {"email": ["bob@haihe.example"]})
    both = [{"contact_id": "17"}, {"contact_id": "18", "email": "bob@haihe.example"}]
    assert left(Suppressor(settings), "crm", "contacts", both) == []
