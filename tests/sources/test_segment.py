"""The segment connector: warehouse tables of Segment and RudderStack in every format."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import segment

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "web_segment" / "example_segment_pages.csv"
NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
PAGE = {
    "id": "p1", "anonymous_id": "a1", "user_id": "u1", "timestamp": "2026-11-20 02:00:00",
    "received_at": "2026-11-20 02:00:05", "url": "https://www.example.com/pricing", "title": "价格",
    "referrer": "https://www.baidu.com/", "context_campaign_name": "spring", "context_ip": "203.0.113.7",
    "path": "/pricing",
}  # fmt: skip


def extract(folder: Path, **config: Any) -> list[Any]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    return list(segment.extract({"connector": "segment", **config}, "website", settings, NIGHT))


def rows(folder: Path, **config: Any) -> list[dict[str, Any]]:
    batches = [batch for one in extract(folder, **config) for batch in one.batches()]
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))


def as_csv(*records: dict[str, Any]) -> str:
    return "\n".join([",".join(records[0]), *[",".join(map(str, record.values())) for record in records]]) + "\n"


def as_jsonl(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_a_page_is_the_same_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "pages1.csv").write_text(as_csv(PAGE))
    (tmp_path / "pages2.jsonl").write_text(as_jsonl(PAGE))
    (tmp_path / "pages3.csv.gz").write_bytes(gzip.compress(as_csv(PAGE).encode()))
    times = {name: datetime.fromisoformat(PAGE[name]) for name in ("timestamp", "received_at")}
    pq.write_table(pa.Table.from_pylist([{**PAGE, **times}]), tmp_path / "pages4.parquet")
    found = rows(tmp_path, path="pages*")
    assert len({row.pop("source_file") for row in found}) == 4
    assert found == [{
        "event_id": "p1", "anonymous_id": "a1", "user_id": "u1", "occurred_at": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "received_at": datetime(2026, 11, 20, 2, 0, 5, tzinfo=UTC), "event_name": "page_view",
        "page_url": "https://www.example.com/pricing", "page_title": "价格", "referrer_url": "https://www.baidu.com/",
        "utm_campaign": "spring", "ip_address": "203.0.113.7", "properties": '{"path":"/pricing"}', "source_row": 1,
    }] * 4  # fmt: skip


def test_a_time_that_was_not_corrected_comes_with_both_clocks(tmp_path: Path) -> None:
    device = {"original_timestamp": "2026-11-20 05:00:00", "sent_at": "2026-11-20 05:00:03"}
    bare = {**PAGE, "timestamp": None}
    session = {"context_session_id": 1763600400123}
    (tmp_path / "pages.jsonl").write_text(
        as_jsonl({**PAGE, **device, "context_sessionId": "s1"}, {**bare, **device, **session}, bare)
    )
    corrected, raw, server = rows(tmp_path, path="pages.jsonl")
    assert "sent_at" not in corrected and corrected["occurred_at"] == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert json.loads(corrected["properties"]) == {"path": "/pricing", **device}
    assert (raw["occurred_at"], raw["sent_at"]) == (
        datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 5, 0, 3, tzinfo=UTC),
    )  # fmt: skip
    assert "sent_at" not in server and server["occurred_at"] == server["received_at"]
    assert [row.get("session_id") for row in (corrected, raw, server)] == ["s1", "1763600400123", None]


def test_tracks_and_identifies_are_events_too(tmp_path: Path) -> None:
    who = {"anonymous_id": "a1", "user_id": "u1", "timestamp": "2026-11-20T10:00:00+08:00"}
    track = {
        "id": "t1",
        **who,
        "event": "demo_requested",
        "context_page_url": "https://www.example.com/demo",
        "plan": "pro",
    }
    (tmp_path / "tracks.jsonl").write_text(as_jsonl(track))
    (tmp_path / "identifies.jsonl").write_text(as_jsonl({"id": "i1", **who, "email": "li@example.com"}))
    (tmp_path / "x.jsonl").write_text(
        as_jsonl(track, {"id": "i2", **who}, {"id": "p", **who, "url": "https://a.example"})
    )
    identify, track_row, *mixed = rows(tmp_path, path="*.jsonl")
    assert (identify["event_name"], identify["email"]) == ("identify", "li@example.com")
    assert "properties" not in identify
    assert (track_row["event_name"], track_row["page_url"]) == ("demo_requested", "https://www.example.com/demo")
    assert (track_row["properties"], track_row["occurred_at"].hour) == ('{"plan":"pro"}', 2)
    assert [row["event_name"] for row in mixed] == ["demo_requested", "identify", "page_view"]
    assert {row["event_name"] for row in rows(tmp_path, path="x.jsonl", table="pages")} == {"page_view"}


def test_an_event_of_a_server_is_known_by_its_user(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text(
        as_csv({**PAGE, "anonymous_id": ""}, {**PAGE, "anonymous_id": "", "user_id": ""})
    )
    known, unknown = rows(tmp_path, path="tracks.csv")
    assert known["anonymous_id"] == "user:u1"
    assert [error["field"] for error in json.loads(unknown["row_errors"])] == ["anonymous_id"]


def test_events_without_an_id_get_one_that_stays_when_the_file_comes_again(tmp_path: Path) -> None:
    records = [{**PAGE, "id": ""}, {**PAGE, "id": "", "url": "https://www.example.com/other"}]
    (tmp_path / "pages.csv").write_text(as_csv(*records))
    (tmp_path / "pages-again.csv").write_text(as_csv(*reversed(records)))
    ids = [row["event_id"] for row in rows(tmp_path, path="pages.csv")]
    assert all(one.startswith("row:") and len(one) == 68 for one in ids)
    assert [row["event_id"] for row in rows(tmp_path, path="pages-again.csv")] == ids[::-1]
    assert len(set(ids)) == 2


def test_columns_and_time_zone_can_be_said(tmp_path: Path) -> None:
    (tmp_path / "pages.csv").write_text(as_csv({**PAGE, "visitor": "v9", "ms": 1763600400000}))
    [row] = rows(tmp_path, path="pages.csv", columns={"anonymous_id": "visitor"}, timezone="Asia/Shanghai")
    assert row["anonymous_id"] == "v9"
    assert row["occurred_at"] == datetime(2026, 11, 19, 18, tzinfo=UTC)
    assert json.loads(row["properties"])["anonymous_id"] == "a1"
    [row] = rows(tmp_path, path="pages.csv", columns={"occurred_at": "ms"}, formats={"occurred_at": "unix_ms"})
    assert row["occurred_at"] == datetime(2025, 11, 20, 1, tzinfo=UTC)


def test_bad_rows_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    text = as_csv(PAGE, {**PAGE, "timestamp": "yesterday"}) + "p3,a1\n"
    (tmp_path / "pages.csv").write_text(text)
    (tmp_path / "pages.jsonl").write_text(as_jsonl(PAGE) + '{"id": "cut\n')
    found = {(row["source_file"], row["source_row"]): json.loads(row["row_errors"])[0]["rule"]
             for row in rows(tmp_path, path="pages.*") if "row_errors" in row}  # fmt: skip
    assert found == {
        ("pages.csv", 2): "not_timestamp",
        ("pages.csv", 3): "malformed_row",
        ("pages.jsonl", 2): "malformed_json",
    }


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("pages.csv", b"", SourceFault, "empty"),
        ("pages.csv", b"<html>sign in</html>", SourceFault, "web page"),
        ("pages.csv", b'id,anonymous_id,timestamp\n1,"a,2026-11-20\n2,b,2026-11-20\n', SourceFault, "never closed"),
        ("pages.jsonl.gz", gzip.compress(as_jsonl(PAGE).encode() * 50)[:-9], SourceFault, "cannot be read to its end"),
        ("pages.jsonl", b"[1, 2]\n", SourceFault, "no JSON lines"),
        ("pages.parquet", b"PAR1 but not", SourceFault, "cannot be read to its end"),
        ("pages.csv", b"id,anonymous_id\n1,a\n", ConfigError, "a required column is not there"),
        ("pages.xlsx", b"PK", ConfigError, "not read by this connector"),
        ("pages.csv", "id,anonymous_id,timestamp\n1,张,2026-11-20\n".encode("gb18030"), ConfigError, "encoding"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes, error: Any, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        rows(tmp_path, path=name)
    assert (caught.value.source, caught.value.object) == ("website", "events")
    assert caught.value.expected and caught.value.found and caught.value.remedy


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "path", "is missing"),
        ({"path": "page.csv"}, None, "similar: pages.csv"),
        ({"path": "pages.csv", "tabel": "pages"}, "tabel", "nearest: table"),
        ({"path": "pages.csv", "table": "page"}, "table", "nearest: pages"),
        ({"path": "pages.csv", "columns": {"page": "url"}}, "page", "does not exist"),
        ({"path": "pages.csv", "columns": {"page_url": "uri"}}, "page_url", "nearest: url"),
        ({"path": "pages.csv", "timezone": "Mars"}, None, "no such time zone"),
    ],
)
def test_every_mistake_is_one_clear_error(
    tmp_path: Path, config: dict[str, Any], field: str | None, words: str
) -> None:
    (tmp_path / "pages.csv").write_text(as_csv(PAGE))
    with pytest.raises(ConfigError) as caught:
        rows(tmp_path, **config)
    assert (caught.value.source, caught.value.field) == ("website", field)
    assert words in str(caught.value)


def test_the_fingerprint_covers_bytes_and_settings(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(as_csv(PAGE))
    [one], [same] = extract(tmp_path, path="x.csv"), extract(tmp_path, path="x.csv")
    [other] = extract(tmp_path, path="x.csv", table="tracks")
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert (one.object, one.origin) == ("events", "x.csv")


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/web_segment is not there")
def test_real_page_views(tmp_path: Path) -> None:
    [row] = rows(tmp_path, path=str(REAL))
    assert row["occurred_at"] == datetime(2015, 2, 23, 22, 28, 55, tzinfo=UTC)
    assert (row["event_id"], row["user_id"]) == ("ajs-9527e97fc714abe02a23b3d24cf09a36", "97980cfea0067")
    assert (row["utm_source"], row["utm_content"], row["ip_address"]) == ("facebook", "bar", "8.8.8.8")
    assert json.loads(row["properties"])["search"] == "?name=ferret"
