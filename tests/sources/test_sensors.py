"""The sensors connector: JSON lines, and what the SDKs send."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import sensors
from persona_warehouse.sources.sensors.transport import decoded

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
AT = datetime(2025, 11, 20, 1, 0, 0, 123_000, tzinfo=UTC)
TRACK: dict[str, Any] = {
    "distinct_id": "a1", "time": 1763600400123, "type": "track", "event": "$pageview", "_flush_time": 1763600401000,
    "properties": {
        "$url": "https://www.example.com/产品", "$title": "产品", "$referrer": "https://www.baidu.com/",
        "$utm_source": "baidu", "$ip": "203.0.113.7", "$user_agent": "Mozilla/5.0",
        "$screen_width": 1920, "plan": "专业版",
    },
}  # fmt: skip


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def sent(content: Any, name: str = "data_list", zipped: bool = True) -> str:
    payload = json.dumps(content, ensure_ascii=False).encode()
    return f"crc=1&gzip=1&{name}={quote(base64.b64encode(gzip.compress(payload) if zipped else payload).decode())}\n"


def rows(folder: Path, **config: Any) -> list[dict[str, Any]]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    extracts = sensors.extract({"connector": "sensors", **config}, "website", settings, NIGHT)
    batches = [batch for one in extracts for batch in one.batches()]
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))


def read(folder: Path, content: str, **config: Any) -> list[dict[str, Any]]:
    (folder / "a.log").write_text(content)
    return rows(folder, path="a.log", **config)


def test_a_track_is_an_event(tmp_path: Path) -> None:
    [row] = read(tmp_path, lines(TRACK))
    assert row.pop("event_id").startswith("row:")
    assert json.loads(row.pop("properties")) == {"$screen_width": 1920, "plan": "专业版"}
    assert row == {
        "anonymous_id": "a1", "occurred_at": AT, "sent_at": datetime(2025, 11, 20, 1, 0, 1, tzinfo=UTC),
        "event_name": "page_view", "page_url": "https://www.example.com/产品",
        "page_title": "产品", "referrer_url": "https://www.baidu.com/", "utm_source": "baidu",
        "ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0", "source_file": "a.log", "source_row": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"event": "ViewProduct"}, ("ViewProduct", "a1", None)),
        ({"login_id": "u1", "anonymous_id": "a9"}, ("page_view", "a9", "u1")),
        ({"distinct_id": "u1", "properties": {"$is_login_id": True}}, ("page_view", "user:u1", "u1")),
        ({"identities": {"$identity_login_id": "u1", "$identity_cookie_id": "c"}}, ("page_view", "c", "u1")),
        ({"type": "track_signup", "event": "$SignUp", "distinct_id": "u1", "original_id": "a1"},
         ("track_signup", "a1", "u1")),
        ({"type": "profile_set", "event": None}, ("profile_set", "a1", None)),
        ({"type": "profile_increment", "event": None, "login_id": "u1"}, ("profile_increment", "user:u1", "u1")),
        ({"type": None}, ("page_view", "a1", None)),
    ],
)  # fmt: skip
def test_every_type_is_an_event_of_somebody(tmp_path: Path, change: dict[str, Any], expected: tuple[str, ...]) -> None:
    [row] = read(tmp_path, lines({**TRACK, **change}))
    assert (row["event_name"], row["anonymous_id"], row.get("user_id")) == expected
    assert "row_errors" not in row


def test_what_the_sdks_send_is_the_same_as_the_log(tmp_path: Path) -> None:
    other = {**TRACK, "event": "ViewProduct"}
    expected = [{**row, "source_row": 0} for row in read(tmp_path, lines(TRACK, other, TRACK))]
    for content in (
        sent([TRACK, other]) + sent(TRACK, "data"),
        sent([TRACK, other], zipped=False) + sent(TRACK, "data", zipped=False),
        sent([TRACK, other]) + lines(TRACK),
        "/sa.gif?project=default&" + sent([TRACK, other, TRACK]),
    ):
        found = read(tmp_path, content)
        assert [{**row, "source_row": 0} for row in found] == expected
    assert [row["source_row"] for row in read(tmp_path, sent([TRACK, other]) + "\n" + lines(TRACK))] == [1, 1, 3]


def test_an_event_that_is_sent_again_has_its_id(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(lines(TRACK, {**TRACK, "time": 1763600400124}))
    (tmp_path / "b.log.gz").write_bytes(
        gzip.compress(lines({**TRACK, "_flush_time": 1, "recv_time": 1763600409000}).encode())
    )
    first, second, again = rows(tmp_path, path="*.log*")
    assert first["event_id"] == again["event_id"] != second["event_id"]
    assert again["received_at"] > again["occurred_at"]


def test_keys_can_be_said(tmp_path: Path) -> None:
    change = {"properties": {"openid": "oA1", "utime": "x"}}
    [row] = read(tmp_path, lines({**TRACK, **change}), columns={"openid": "properties.openid"})
    assert (row["openid"], json.loads(row["properties"])) == ("oA1", {"utime": "x"})


def test_a_session_is_the_sdk_s_own(tmp_path: Path) -> None:
    named = [{**TRACK, "properties": {key: "s1"}} for key in ("$session_id", "$event_session_id")]
    assert [row.get("session_id") for row in read(tmp_path, lines(*named, TRACK))] == ["s1", "s1", None]


def test_bad_lines_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    cut = base64.b64encode(gzip.compress(lines(TRACK).encode())[:-12]).decode()
    text = base64.b64encode(b"hello").decode()
    bad = [
        "data_list=***\n", f"data={quote(cut)}\n", f"data={text}\n", '{"cut\n', "free text\n", sent([1]),
        lines({**TRACK, "time": None}), lines({**TRACK, "time": "soon"}), lines({**TRACK, "distinct_id": None}),
    ]  # fmt: skip
    found = {row["source_row"]: json.loads(row["row_errors"])[0] for row in read(tmp_path, lines(TRACK) + "".join(bad))
             if "row_errors" in row}  # fmt: skip
    assert [found[row]["rule"] for row in sorted(found)] == [
        *["malformed_transport"] * 3, *["malformed_json"] * 3, "required", "not_timestamp", "required",
    ]  # fmt: skip
    assert [found[row]["found"] for row in (2, 3, 4)] == [
        "no base64", "a gzip that is cut, or larger than any SDK sends", "no JSON inside",
    ]  # fmt: skip


def test_a_line_is_decoded_however_it_is_escaped() -> None:
    plain = base64.b64encode(json.dumps({"a": "~~~???>>>"}).encode()).decode()
    for text in (
        plain,
        quote(plain),
        quote(plain, safe=""),
        plain.rstrip("="),
        plain.replace("+", " ").replace(" ", "%20"),
    ):
        assert decoded(f"data={text}") == ['{"a":"~~~???>>>"}']


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.log", b"", SourceFault, "empty"),
        ("a.log", b"<html>sign in</html>", SourceFault, "web page"),
        ("a.log.gz", gzip.compress(lines(TRACK).encode() * 50)[:-9], SourceFault, "cannot be read to its end"),
        ("a.log", b"free text\n", SourceFault, "no JSON lines"),
        ("a.log", b'{"a": 1}\n', ConfigError, "a required column is not there"),
        ("a.log", lines(TRACK).encode("gb18030"), ConfigError, "encoding"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes, error: Any, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        rows(tmp_path, path=name)
    assert caught.value.expected and caught.value.found and caught.value.remedy


def test_a_setting_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        read(tmp_path, lines(TRACK), table="pages")
