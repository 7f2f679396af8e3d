"""What is older than its policy goes, is counted, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.store import Manifest, Origin
from persona_warehouse.night import retention
from persona_warehouse.settings import Settings
from tests.landing.test_erasing import rows_of

DAY = date(2026, 11, 20)
# the first moment that a policy of 30 days keeps, in Shanghai
FIRST = datetime(2026, 10, 21, 16, tzinfo=UTC)


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    lines: list[dict[str, str]] = []
    monkeypatch.setattr(retention, "rows_of", lambda _: tuple(lines))
    yield lines


def line(kind: str, name: str, column: str = "", keep_days: str = "30") -> dict[str, str]:
    return {"kind": kind, "name": name, "column": column, "keep_days": keep_days, "reason": "r"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two loads of visits: one of old and new ones, one of new ones."""
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml", DAY, "Asia/Shanghai", 7)
    store.prepare(settings)
    times = {"1.1": [FIRST - timedelta(microseconds=1), FIRST, None], "2.1": [FIRST + timedelta(days=1)]}
    for load_id, moments in times.items():
        folder = settings.landing / "website" / "events" / "load_date=2026-11-20"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [{"event_id": f"{load_id}-{n}", "occurred_at": at} for n, at in enumerate(moments)]
        pq.write_table(rows_of("website", "events", rows), folder / f"{load_id}.x.parquet")
        files = store.describe_files(settings, "website", load_id)
        store.write_manifest(settings, Manifest(load_id, "website", str(DAY), ("", ""), "", files=files))
    return settings


def events(settings: Settings) -> list[str]:
    files = [
        settings.landing / "website" / file.path for one in store.manifests(settings, "website") for file in one.files
    ]
    return [row for path in files for row in pq.read_table(path).column("event_id").to_pylist()]


def test_older_rows_go_and_files_without_them_are_left_alone(settings: Settings, policy: list[dict[str, str]]) -> None:
    policy.append(line("landing", "website.events", "occurred_at"))
    untouched = store.manifests(settings, "website")[1]
    assert retention.retain(settings, dry_run=True) == {"landing website.events": 1}
    assert len(events(settings)) == 4
    assert retention.retain(settings) == {"landing website.events": 1}
    assert events(settings) == ["1.1-1", "1.1-2", "2.1-0"]
    assert store.manifests(settings, "website")[1] == untouched
    assert store.damaged_files(settings, "website") == []
    assert store.sweep(settings, "website") == []
    assert retention.retain(settings) == {}


def test_what_is_kept_for_good_is_kept(settings: Settings, policy: list[dict[str, str]]) -> None:
    policy.append(line("landing", "website.events", "occurred_at", ""))
    assert retention.retain(settings) == {}
    assert len(events(settings)) == 4


def test_old_files_of_a_folder_go_by_the_nights_date(settings: Settings, policy: list[dict[str, str]]) -> None:
    policy.append(line("folder", "logs"))
    for name, at in (("a/old.log", FIRST - timedelta(seconds=1)), ("new.log", FIRST)):
        path = settings.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        os.utime(path, (at.timestamp(), at.timestamp()))
    assert retention.retain(settings) == {"folder logs": 1}
    assert [path.name for path in settings.logs.iterdir()] == ["new.log"]


def test_received_events_go_only_when_they_have_landed(settings: Settings, policy: list[dict[str, str]]) -> None:
    policy.append(line("folder", "received"))
    folder = settings.home / "received" / "wechat"
    folder.mkdir(parents=True)
    for name in ("events-1.jsonl", "events-2.jsonl"):
        (folder / name).write_text("{}\n")
        os.utime(folder / name, (0, 0))
    origin = Origin("received", "follower_events", "received/wechat/events-1.jsonl", "f", True)
    store.write_manifest(settings, Manifest("3.1", "wechat", str(DAY), ("", ""), "", origins=[origin]))
    assert retention.retain(settings) == {"folder received": 1}
    assert [path.name for path in folder.iterdir()] == ["events-2.jsonl"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (line("landing", "crm.dealz", "x"), "object"),
        (line("landing", "shop.orders", "x"), "name"),
        (line("landing", "crm.deals", "amount"), "column"),
        (line("landing", "crm.deals", "created_at", "-3"), "keep_days"),
        (line("folder", "landing"), "name"),
        (line("table", "x"), "kind"),
    ],
)
def test_a_policy_that_cannot_be_applied_is_refused(
    settings: Settings, policy: list[dict[str, str]], wrong: dict[str, str], field: str
) -> None:
    policy.append(wrong)
    with pytest.raises(ConfigError) as raised:
        retention.retain(settings)
    assert raised.value.field == field or (field == "object" and raised.value.object == "dealz")
    assert len(events(settings)) == 4


def test_the_policy_of_the_house_can_be_applied_and_every_line_says_why() -> None:
    found = retention.policies()
    assert len(found) >= 10
    assert all(len(one.reason) > 10 for one in found)
    assert {one.name for one in found if one.kind == "folder"} == set(retention.FOLDERS)
