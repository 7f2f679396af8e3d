"""The events connector: canonical columns, in whatever format."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import events

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "web_segment" / "example_segment_pages.csv"
NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
EVENT = {
    "event_id": "e1", "anonymous_id": "a1", "occurred_at": "2026-11-20 10:00:00", "event_name": "page_view",
    "page_url": "https://www.example.com/", "http_status": 200, "properties": {"plan": "pro"},
}  # fmt: skip


def extract(folder: Path, **config: Any) -> list[Any]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    return list(events.extract({"connector": "events", **config}, "website", settings, NIGHT))


def rows(extracts: list[Any]) -> list[dict[str, Any]]:
    found = [row for one in extracts for batch in one.batches() for row in batch.to_pylist()]
    return [{key: value for key, value in row.items() if value is not None} for row in found]


def test_the_same_event_is_the_same_in_every_format(tmp_path: Path) -> None:
    flat = {**EVENT, "properties": json.dumps(EVENT["properties"])}
    (tmp_path / "a.jsonl").write_text(json.dumps(EVENT) + "\n")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(json.dumps(EVENT).encode()))
    quoted = ",".join('"' + str(value).replace('"', '""') + '"' for value in flat.values())
    (tmp_path / "c.csv").write_text(f"{','.join(flat)}\n{quoted}\n")
    occurred = datetime(2026, 11, 20, 2, tzinfo=UTC)
    pq.write_table(pa.Table.from_pylist([{**EVENT, "occurred_at": occurred}]), tmp_path / "d.parquet")
    found = rows(extract(tmp_path, path="?.*"))
    assert [row.pop("source_file") for row in found] == ["a.jsonl", "b.jsonl.gz", "c.csv", "d.parquet"]
    expected = {**EVENT, "occurred_at": occurred, "properties": '{"plan":"pro"}', "source_row": 1}
    assert found == [expected] * 4


def test_events_are_mapped_like_any_file(tmp_path: Path) -> None:
    (tmp_path / "hits.csv").write_text("id;visitor;ts\n1;v;1763600400\n")
    [row] = rows(
        extract(
            tmp_path,
            path="hits.csv",
            columns={"event_id": "id", "anonymous_id": "visitor", "occurred_at": "ts"},
            formats={"occurred_at": "unix"},
            constants={"event_name": "page_view"},
        )
    )
    assert (row["event_name"], row["occurred_at"]) == ("page_view", datetime(2025, 11, 20, 1, tzinfo=UTC))


def test_one_extract_a_file_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    for day in (19, 20):
        (tmp_path / "web" / f"{day}.jsonl").write_text(json.dumps(EVENT) + "\n")
    found = extract(tmp_path, path="web/*.jsonl")
    assert [(one.object, one.origin) for one in found] == [("events", "web/19.jsonl"), ("events", "web/20.jsonl")]


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "path", ["`path:` is missing", "web/*.jsonl.gz"]),
        ({"path": "web/*.jsonl"}, None, ["missing", "no such folder"]),
        ({"path": "a.jsonl", "pth": 1}, "pth", ["unknown", "nearest: path"]),
        ({"path": "a.jsonl", "file": "x"}, "file", ["unknown"]),
        ({"path": "a.jsonl", "columns": {"page": "url"}}, "page", ["does not exist", "page_url"]),
    ],
)
def test_every_mistake_is_one_clear_error(
    tmp_path: Path, config: dict[str, Any], field: str | None, words: list[str]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(EVENT))
    with pytest.raises(ConfigError) as caught:
        extract(tmp_path, **config)
    assert (caught.value.source, caught.value.field) == ("website", field)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "columns", "field", "nearest"),
    [
        (
            "a.jsonl",
            json.dumps({"event_id": "e", "anonymousId": "a", "occurred_at": "2026-11-20"}),
            {},
            "anonymous_id",
            "anonymousId",
        ),
        (
            "a.csv",
            "event_id,anonymous_id,occurred_at,page_uri\ne,a,2026-11-20,/\n",
            {"page_url": "page_url"},
            "page_url",
            "page_uri",
        ),
    ],
)
def test_a_column_that_vanished_is_told_with_its_nearest_names(
    tmp_path: Path, name: str, content: str, columns: dict[str, str], field: str, nearest: str
) -> None:
    (tmp_path / name).write_text(content)
    (one,) = extract(tmp_path, path=name, columns=columns)
    with pytest.raises(ConfigError) as caught:
        list(one.batches())
    assert (caught.value.source, caught.value.object, caught.value.field) == ("website", "events", field)
    assert f"(nearest: {nearest}" in str(caught.value.found)


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/web_segment is not there")
def test_real_page_views_of_segment(tmp_path: Path) -> None:
    columns = {
        "event_id": "id", "occurred_at": "timestamp", "page_url": "url", "page_title": "title",
        "referrer_url": "referrer", "utm_source": "context_campaign_source", "utm_medium": "context_campaign_medium",
        "ip_address": "context_ip",
    }  # fmt: skip
    [row] = rows(extract(tmp_path, path=str(REAL), columns=columns, timezone="UTC"))
    assert row["occurred_at"] == datetime(2015, 2, 23, 22, 28, 55, tzinfo=UTC)
    assert (row["user_id"], row["utm_source"], row["ip_address"]) == ("97980cfea0067", "facebook", "8.8.8.8")
    assert json.loads(row["properties"])["context_campaign_content"] == "bar"
