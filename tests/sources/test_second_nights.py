"""What is late or corrected in files arrives with a later night; the WeChat API with every fault at once.

Connectors of APIs and databases show what is late and corrected in their own tests, where their servers are.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.sources import official_account
from persona_warehouse.sources.load import load_stream
from persona_warehouse.sources.official_account.clock import BEIJING
from tests.standins import wechat as standin
from tests.standins.wechat import WeChatStandin

NIGHT = date(2026, 11, 20)
ACCOUNT = {"connector": "official_account", "connection": "wechat_main", "backoff_seconds": 0.001}


class Home:
    """A home and its sources file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sources(self, **streams: Any) -> None:
        (self.folder / "sources.yml").write_text(json.dumps({"sources": streams}), encoding="utf-8")

    def load(self, stream: str, night: date = NIGHT) -> dict[str, list[dict[str, Any]]]:
        """The rows that one more load landed, by object."""
        settings = Settings(self.folder / "home", self.folder / "sources.yml", night, "Asia/Shanghai", 7)
        load_stream(settings, stream)
        rows: dict[str, list[dict[str, Any]]] = {}
        for file in store.manifests(settings, stream)[-1].files:
            table = pq.read_table(settings.landing / stream / file.path, partitioning=None)
            kept = [name for name in table.column_names if not name.startswith("_dlt")]
            rows.setdefault(file.object, []).extend(table.select(kept).to_pylist())
        return rows


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def beijing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The morning after the night."""
    at = datetime.combine(NIGHT + timedelta(days=1), datetime.min.time(), BEIJING) + timedelta(hours=9)
    monkeypatch.setattr(official_account, "beijing_now", lambda: at)
    return monkeypatch


def events(*ids: str, url: str = "https://a.example/") -> str:
    rows = [
        {"event_id": one, "anonymous_id": "v", "occurred_at": "2026-11-18T02:00:00Z", "page_url": url} for one in ids
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_late_file_lands_alone_and_a_corrected_one_again(home: Home) -> None:
    web = home.folder / "web"
    web.mkdir()
    (web / "2026-11-19.jsonl").write_text(events("e1", "e2"))
    home.sources(website=[{"connector": "events", "path": "web/*.jsonl"}])
    assert [row["event_id"] for row in home.load("website")["events"]] == ["e1", "e2"]
    # a day before it that comes after it
    (web / "2026-11-18.jsonl").write_text(events("e0"))
    late = home.load("website", NIGHT + timedelta(days=1))
    assert [(row["event_id"], row["source_file"]) for row in late["events"]] == [("e0", "2026-11-18.jsonl")]
    (web / "2026-11-19.jsonl").write_text(events("e1", "e2", url="https://a.example/pricing"))
    corrected = home.load("website", NIGHT + timedelta(days=2))
    assert [(row["event_id"], row["page_url"]) for row in corrected["events"]] == [
        ("e1", "https://a.example/pricing"), ("e2", "https://a.example/pricing"),
    ]  # fmt: skip
    # an older night is run again: the files are the same
    assert home.load("website") == {}


def test_with_every_fault_at_once_the_same_lands(home: Home, beijing: pytest.MonkeyPatch) -> None:
    home.sources(wechat=[ACCOUNT])
    size = {"followers": 450, "page_size": 100, "today": NIGHT + timedelta(days=1)}

    def landed(night: date, **faults: Any) -> tuple[dict[str, Any], WeChatStandin]:
        with WeChatStandin(**size, **faults) as account:
            beijing.setenv("AIRFLOW_CONN_WECHAT_MAIN", account.connection_json())
            return home.load("wechat", night), account

    quiet, undisturbed = landed(NIGHT)
    codes = {
        standin.STABLE_TOKEN: -1, standin.USER_GET: 40001, standin.USER_INFO_BATCH: -1, standin.TAGS_GET: 42001,
        standin.USER_SUMMARY: 61500, standin.USER_CUMULATE: 61501,
    }  # fmt: skip
    disturbed, account = landed(
        NIGHT,
        expire_token_after=8,
        status_once=502,
        cut_body_once=True,
        repeat_page=True,
        end_style="same_next",
        errcode_once_at=codes,
    )
    limited, busy = landed(NIGHT, rate_limit_once=True, retry_after="0", once_at=standin.USER_GET)
    assert {name: len(rows) for name, rows in quiet.items()}["followers"] == 450
    assert disturbed == quiet
    assert limited == quiet
    # every one of them struck
    assert [endpoint for endpoint in codes if account.calls[endpoint] <= undisturbed.calls[endpoint]] == []
    assert busy.calls[standin.USER_GET] == undisturbed.calls[standin.USER_GET] + 1
