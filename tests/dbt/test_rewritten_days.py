"""Events that their source takes back leave staging with the load that says so."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from persona_warehouse import transform
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings, load_settings
from persona_warehouse.sources.load import load_stream
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept


def event(number: int, page: str) -> dict[str, Any]:
    params = [{"key": "page_location", "value": {"string_value": f"https://www.example.com/{page}"}}]
    return {
        "event_name": "page_view", "user_pseudo_id": "123.456", "event_timestamp": 1763600400000000 + number,
        "batch_page_id": number,
        "event_params": [*params, {"key": "ga_session_id", "value": {"int_value": 1763600400}}],
    }  # fmt: skip


def night(settings: Settings, *events: dict[str, Any]) -> list[tuple[str, str, bool | None]]:
    """Staging after the day was written like this."""
    file = settings.sources_file.parent / "events_20251120.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    load_stream(settings, "website")
    with environment_kept():
        results = transform._invoke(
            settings, ["build", "--select", "stg_website__events", "--exclude", "test_type:unit"]
        )
    assert [result.status for result in results] == ["success", "pass", "pass"]
    with connect(settings.warehouse_file, read_only=True) as connection:
        return connection.execute(
            "select page_url[25:], session_id, is_deleted from staging.stg_website__events order by 1"
        ).fetchall()


def test_a_day_that_is_written_again_is_replaced_wholly(tmp_path: Path) -> None:
    (tmp_path / "sources.yml").write_text("sources: {website: [{connector: ga4, path: events_*.jsonl}]}")
    settings = load_settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20))
    store.prepare(settings)
    session = "1763600400"
    first = night(settings, event(1, "a"), event(2, "b"), event(3, "c"))
    assert first == [("a", session, None), ("b", session, None), ("c", session, None)]
    second = night(settings, event(1, "a-corrected"), event(3, "c"), event(4, "d"))
    assert second == [("a-corrected", session, None), ("c", session, None), ("d", session, None)]
