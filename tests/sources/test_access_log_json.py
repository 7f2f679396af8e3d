"""The access_log connector with `format: json`: the keys of nginx, and those of others."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import access_log

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
SITE = "https://www.example.com"
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
REQUEST = {
    "time_iso8601": "2026-11-20T10:00:00+08:00", "remote_addr": "203.0.113.7", "remote_user": "",
    "request": "GET /价格?a=1 HTTP/1.1", "status": "200", "body_bytes_sent": "1234", "http_referer": "-",
    "http_user_agent": 'Bot "fast"', "request_time": 0.003,
}  # fmt: skip


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def rows(folder: Path, **config: Any) -> list[dict[str, Any]]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    entry = {"connector": "access_log", "format": "json", "site": SITE, **config}
    batches = [batch for one in access_log.extract(entry, "website", settings, NIGHT) for batch in one.batches()]
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))


def read(folder: Path, *records: dict[str, Any], **config: Any) -> list[dict[str, Any]]:
    (folder / "access.log.1").write_text(lines(*records))
    return rows(folder, path="access.log.1", **config)


def test_a_line_is_a_request_as_in_the_combined_format(tmp_path: Path) -> None:
    [row] = read(tmp_path, REQUEST)
    agent = 'Bot \\"fast\\"'
    combined = f'203.0.113.7 - - [20/Nov/2026:10:00:00 +0800] "GET /价格?a=1 HTTP/1.1" 200 1234 "-" "{agent}"\n'
    (tmp_path / "plain.log").write_text(combined)
    [other] = rows(tmp_path, path="plain.log", format="combined")
    assert len(row.pop("event_id")) == len(other.pop("event_id")) == 64
    # the agent is hashed as the log writes it
    assert row.pop("anonymous_id").startswith("visitor:") and other.pop("anonymous_id").startswith("visitor:")
    assert json.loads(row.pop("properties")) == {"method": "GET", "bytes": 1234, "request_time": 0.003}
    assert json.loads(other.pop("properties")) == {"method": "GET", "bytes": 1234}
    assert (row.pop("source_file"), other.pop("source_file")) == ("access.log.1", "plain.log")
    assert row == other
    assert (row["page_url"], row["occurred_at"], row["http_status"]) == (f"{SITE}/价格?a=1", AT, 200)


@pytest.mark.parametrize(
    "time",
    [
        {"time_iso8601": "2026-11-20T10:00:00+08:00"}, {"time_local": "20/Nov/2026:10:00:00 +0800"},
        {"msec": 1795140000.0}, {"@timestamp": "2026-11-20T02:00:00.000Z"}, {"time": "2026-11-20 10:00:00"},
    ],
)  # fmt: skip
def test_times_of_every_kind(tmp_path: Path, time: dict[str, Any]) -> None:
    [row] = read(tmp_path, {**{key: REQUEST[key] for key in REQUEST if key != "time_iso8601"}, **time})
    assert row["occurred_at"] == row["received_at"] == AT


def test_keys_can_be_said(tmp_path: Path) -> None:
    record = {
        "ts": 1795140000, "client": {"ip": "203.0.113.7", "port": 4}, "verb": "POST", "path": "/a",
        "vhost": "www.example.com", "ua": "Mozilla/5.0",
    }  # fmt: skip
    keys = {"time": "ts", "ip": "client.ip", "method": "verb", "target": "path", "host": "vhost", "user_agent": "ua"}
    [row] = read(tmp_path, record, keys=keys, site="")
    assert (row["page_url"], row["ip_address"], row["occurred_at"]) == (f"{SITE}/a", "203.0.113.7", AT)
    assert json.loads(row["properties"]) == {"method": "POST", "client": {"port": 4}}


def test_without_a_site_or_host_a_page_is_its_path(tmp_path: Path) -> None:
    assert read(tmp_path, REQUEST, site="")[0]["page_url"] == "/价格?a=1"
    assert (
        read(tmp_path, {**REQUEST, "request": "GET http://x.example/a HTTP/1.1"})[0]["page_url"] == "http://x.example/a"
    )


def test_ids_stay_when_a_log_is_rotated_and_zipped(tmp_path: Path) -> None:
    content = lines(REQUEST, {**REQUEST, "status": "404"}, REQUEST)
    (tmp_path / "access.json").write_text(content)
    (tmp_path / "access.json.1.gz").write_bytes(gzip.compress(content.encode()))
    ids = [row["event_id"] for row in rows(tmp_path, path="access.json*")]
    assert ids[:3] == ids[3:] and len(set(ids)) == 3


def test_bad_lines_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    none, late, nobody = {**REQUEST, "request": "-"}, {**REQUEST, "time_iso8601": "x"}, {**REQUEST, "remote_addr": ""}
    (tmp_path / "a.log").write_text(lines(REQUEST, none) + '{"cut\n' + lines(late, nobody))
    found = {row["source_row"]: json.loads(row["row_errors"])[0] for row in rows(tmp_path, path="a.log")
             if "row_errors" in row}  # fmt: skip
    assert {row: (error["rule"], error["field"]) for row, error in found.items()} == {
        2: ("no_request", None),
        3: ("malformed_json", None),
        4: ("not_timestamp", "occurred_at"),
        5: ("required", "anonymous_id"),
    }


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        ({"format": "jsn"}, ConfigError, "nearest: json"),
        ({"keys": {"user_agnt": "ua"}}, ConfigError, "nearest: user_agent"),
        ({"keys": {"time": "ts"}}, ConfigError, "a required column is not there"),
        ({"keyz": {}}, ConfigError, "nearest: keys"),
        ({"format": "combined", "keys": {}}, ConfigError, "unknown"),
        ({"site": "www.example.com"}, ConfigError, "with its protocol"),
    ],
)
def test_every_mistake_is_one_clear_error(tmp_path: Path, config: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error) as caught:
        read(tmp_path, REQUEST, **config)
    assert words in str(caught.value)


def test_a_log_in_the_combined_format_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('203.0.113.7 - - [20/Nov/2026:10:00:00 +0800] "GET / HTTP/1.1" 200 1 "-" "-"\n')
    with pytest.raises(SourceFault, match="no JSON lines"):
        rows(tmp_path, path="a.log")
