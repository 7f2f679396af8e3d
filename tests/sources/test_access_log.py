"""The access_log connector: lines as web servers write them, and those that are none."""

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
from persona_warehouse.sources.access_log import read_log
from persona_warehouse.sources.reading import FileOptions

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "web_apache_semicomplete" / "apache_logs"
NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
SITE = "https://www.example.com"


def line(
    request: str = "GET /a?b=1 HTTP/1.1", *, ip: str = "203.0.113.7", user: str = "-", agent: str = "Mozilla/5.0 (X11)",
    referrer: str = "https://www.baidu.com/", size: str = "1234", rest: str = "",
) -> str:  # fmt: skip
    return f'{ip} - {user} [20/Nov/2026:10:00:00 +0800] "{request}" 200 {size} "{referrer}" "{agent}"{rest}'


def read(
    path: Path, content: str | bytes | None = None, site: str = SITE, encoding: str = "utf-8"
) -> list[dict[str, Any]]:
    """The requests of a log, without what is empty, in the order of their lines."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    batches = list(read_log(path, site, FileOptions(encoding)))
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: row["source_row"])


def extract(folder: Path, **config: Any) -> list[Any]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    return list(access_log.extract({"connector": "access_log", **config}, "website", settings, NIGHT))


def test_a_line_is_a_request(tmp_path: Path) -> None:
    [row] = read(tmp_path / "access.log", line(user="alice") + "\n")
    at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert len(row.pop("event_id")) == 64
    assert row.pop("anonymous_id").startswith("visitor:")
    assert row == {
        "user_id": "alice", "occurred_at": at, "received_at": at, "event_name": "http_request",
        "page_url": "https://www.example.com/a?b=1", "referrer_url": "https://www.baidu.com/",
        "user_agent": "Mozilla/5.0 (X11)", "ip_address": "203.0.113.7", "http_status": 200,
        "properties": '{"method":"GET","bytes":1234}', "source_file": "access.log", "source_row": 1,
    }  # fmt: skip


def test_a_dash_is_nothing(tmp_path: Path) -> None:
    [row] = read(tmp_path / "access.log", line(size="-", referrer="-", agent="-"))
    assert not {"user_id", "referrer_url", "user_agent", "row_errors"} & row.keys()
    assert json.loads(row["properties"]) == {"method": "GET", "bytes": None}


@pytest.mark.parametrize("ip", ["2001:db8::1", "::ffff:203.0.113.7", "fe80::1%eth0", "crawler.example.com"])
def test_addresses_of_every_kind(tmp_path: Path, ip: str) -> None:
    [row] = read(tmp_path / "access.log", line(ip=ip))
    assert row["ip_address"] == ip


def test_quotes_inside_a_field_are_its_own(tmp_path: Path) -> None:
    agent, referrer = r"Bot \"fast\" (say \"hi\")", r"https://x.example/?q=\"a b\""
    [row] = read(tmp_path / "access.log", line(agent=agent, referrer=referrer))
    assert row["user_agent"] == 'Bot "fast" (say "hi")'
    assert row["referrer_url"] == 'https://x.example/?q="a b"'


@pytest.mark.parametrize(
    ("request_line", "page_url", "method"),
    [
        ("GET / HTTP/2.0", "https://www.example.com/", "GET"),
        ("POST /a HTTP/1.0", "https://www.example.com/a", "POST"),
        ("GET /old", "https://www.example.com/old", "GET"),
        ("GET /a b HTTP/1.1", "https://www.example.com/a b", "GET"),
        ("GET http://other.example/x HTTP/1.1", "http://other.example/x", "GET"),
        ("GET /?to=http://other.example HTTP/1.1", "https://www.example.com/?to=http://other.example", "GET"),
        ("GET /产品 HTTP/1.1", "https://www.example.com/产品", "GET"),
    ],
)
def test_requests_of_every_kind(tmp_path: Path, request_line: str, page_url: str, method: str) -> None:
    [row] = read(tmp_path / "access.log", line(request_line))
    assert (row["page_url"], json.loads(row["properties"])["method"]) == (page_url, method)
    assert "row_errors" not in row


def test_without_a_site_a_page_is_its_path(tmp_path: Path) -> None:
    assert read(tmp_path / "access.log", line(), site="")[0]["page_url"] == "/a?b=1"


def test_fields_that_a_server_adds_at_the_end_are_passed_over(tmp_path: Path) -> None:
    for rest in (' "-"', ' "10.0.0.1, 203.0.113.7" 0.003', " 12 34 ", " "):
        assert read(tmp_path / "access.log", line(rest=rest))[0]["user_agent"] == "Mozilla/5.0 (X11)"


def test_lines_that_are_no_requests_go_to_quarantine_with_their_number_and_text(tmp_path: Path) -> None:
    cut, tls = line()[:60], line("\\x16\\x03\\x01")
    rows = read(tmp_path / "access.log", "\n".join([line(), cut, "", "free text", line("-"), tls, line()]) + "\n")
    errors = {row["source_row"]: (json.loads(row["row_errors"])[0]["rule"], json.loads(row["raw_row"]))
              for row in rows if "row_errors" in row}  # fmt: skip
    assert errors == {
        2: ("malformed_line", cut),
        4: ("malformed_line", "free text"),
        5: ("no_request", line("-")),
        6: ("no_request", tls),
    }
    assert [row["source_row"] for row in rows] == [1, 2, 4, 5, 6, 7]
    assert not {"page_url", "anonymous_id", "properties"} & rows[1].keys()


def test_a_time_that_is_none_is_an_error_of_its_field(tmp_path: Path) -> None:
    [row] = read(tmp_path / "access.log", line().replace("20/Nov/2026", "31/Feb/2026"))
    assert [error["field"] for error in json.loads(row["row_errors"])] == ["occurred_at", "received_at"]
    assert json.loads(row["raw_row"]).startswith("203.0.113.7")


def test_equal_lines_are_different_events_of_one_visitor(tmp_path: Path) -> None:
    rows = read(tmp_path / "access.log", "\n".join([line(), line(agent="other"), line()]))
    assert len({row["event_id"] for row in rows}) == 3
    assert rows[0]["anonymous_id"] == rows[2]["anonymous_id"] != rows[1]["anonymous_id"]


def test_a_rotated_zipped_or_retyped_log_gives_the_same_ids(tmp_path: Path) -> None:
    text = "\n".join([line(), line(), line("GET /b HTTP/1.1"), line()]) + "\n"

    def ids(name: str, content: bytes) -> list[str]:
        return [row["event_id"] for row in read(tmp_path / name, content)]

    first = ids("access.log", text.encode())
    assert ids("access.log.1", text.encode()) == first
    assert ids("access.log-20261120.gz", gzip.compress(text.encode())) == first
    assert ids("windows.log", text.replace("\n", "\r\n").encode()) == first
    # the part that was there before the log went on
    assert ids("part.log", "\n".join(text.split("\n")[:2]).encode()) == first[:2]


def test_logs_in_other_encodings(tmp_path: Path) -> None:
    content = line("GET /产品 HTTP/1.1").encode("gb18030")
    assert read(tmp_path / "access.log", content, encoding="gb18030")[0]["page_url"] == f"{SITE}/产品"
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "access.log", line().encode() + b"\n" + content)
    assert (caught.value.row, caught.value.object) == (2, "events")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("access.log", b"", "the file is empty"),
        ("access.log", b"\n\n", "the file is empty"),
        ("access.log", b"<html>sign in</html>", "web page"),
        ("access.log.gz", gzip.compress(line().encode() * 50)[:-9], "cannot be read to its end"),
        ("access.log.gz", line().encode(), "cannot be read to its end"),
    ],
)
def test_a_bad_log_is_a_fault(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    with pytest.raises(SourceFault, match=problem) as caught:
        read(tmp_path / name, content)
    error = caught.value
    assert (error.source, error.object, error.file) == ("website", "events", str(tmp_path / name))
    assert error.expected and error.found and error.remedy


def test_every_file_of_the_pattern_is_an_extract_named_by_its_path(tmp_path: Path) -> None:
    for name in ("www/access.log", "www/access.log.1", "shop/access.log"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(line() + "\n")
    found = extract(tmp_path, path="*/access.log*", site=f"{SITE}/")
    assert [one.origin for one in found] == ["shop/access.log", "www/access.log", "www/access.log.1"]
    assert {one.object for one in found} == {"events"}
    [row] = [row for batch in found[0].batches() for row in batch.to_pylist()]
    assert row["page_url"] == f"{SITE}/a?b=1"
    assert extract(tmp_path, path="shop/*")[0].fingerprint != found[0].fingerprint


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({}, "path", ["`path:` is missing", "access.log"]),
        ({"path": "acces.log"}, None, ["missing", "similar: access.log"]),
        ({"path": "access.log", "website": SITE}, "website", ["unknown"]),
        ({"path": "access.log", "site": "www.example.com"}, "site", ["with its protocol"]),
    ],
)
def test_every_mistake_is_one_clear_error(
    tmp_path: Path, config: dict[str, Any], field: str | None, words: list[str]
) -> None:
    (tmp_path / "access.log").write_text(line())
    with pytest.raises(ConfigError) as caught:
        extract(tmp_path, **config)
    assert (caught.value.source, caught.value.field) == ("website", field)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/web_apache_semicomplete is not there")
def test_a_real_log_has_ten_thousand_lines_and_one_that_is_malformed() -> None:
    rows = read(REAL, site="http://semicomplete.com")
    assert len(rows) == 10_000
    assert [row["source_row"] for row in rows if "row_errors" in row] == [8_899]
    assert len({row["event_id"] for row in rows if "event_id" in row}) >= 9_999
    assert rows[0]["occurred_at"] == datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)
    assert rows[0]["page_url"].startswith("http://semicomplete.com/presentations/")
