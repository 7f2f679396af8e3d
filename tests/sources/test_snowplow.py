"""The snowplow connector: enriched events as TSV and Parquet."""

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
from persona_warehouse.sources import snowplow
from persona_warehouse.sources.snowplow import COLUMNS

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
EVENT = {
    "app_id": "shop", "event": "page_view", "event_name": "page_view", "event_id": "e1", "domain_userid": "d1",
    "network_userid": "n1", "user_id": "u1", "collector_tstamp": "2026-11-20 02:00:01.5",
    "derived_tstamp": "2026-11-20 02:00:00.25", "page_url": 'https://www.example.com/?q="a', "page_title": "价格",
    "page_referrer": "https://www.baidu.com/", "mkt_source": "baidu", "mkt_campaign": "spring",
    "useragent": "Mozilla/5.0", "user_ipaddress": "203.0.113.7", "domain_sessionid": "s1",
    "contexts": '{"data":[{"id":1}]}',
}  # fmt: skip


def tsv(*events: dict[str, str]) -> str:
    return "".join("\t".join(event.get(name, "") for name in COLUMNS) + "\n" for event in events)


def rows(folder: Path, **config: Any) -> list[dict[str, Any]]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    extracts = snowplow.extract({"connector": "snowplow", **config}, "website", settings, NIGHT)
    batches = [batch for one in extracts for batch in one.batches()]
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))


def test_there_are_131_columns() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 131
    assert (COLUMNS[6], COLUMNS[29], COLUMNS[77], COLUMNS[130]) == ("event_id", "page_url", "useragent", "true_tstamp")


def test_an_event_is_the_same_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "1.tsv").write_text(tsv(EVENT))
    (tmp_path / "2.tsv.gz").write_bytes(gzip.compress(tsv(EVENT).encode()))
    (tmp_path / "3").write_text(tsv(EVENT))
    (tmp_path / "4.tsv").write_text("\t".join(EVENT) + "\n" + "\t".join(EVENT.values()) + "\n")
    times = {
        name: datetime.fromisoformat(EVENT[name]).replace(tzinfo=UTC) for name in ("collector_tstamp", "derived_tstamp")
    }
    pq.write_table(pa.Table.from_pylist([{**EVENT, **times}]), tmp_path / "5.parquet")
    found = rows(tmp_path, path="[0-9]*")
    assert [row.pop("source_file")[0] for row in found] == list("12345")
    properties = [json.loads(row.pop("properties")) for row in found]
    assert properties == [{"app_id": "shop", "contexts": EVENT["contexts"], "network_userid": "n1"}] * 5
    assert found == [{
        "event_id": "e1", "anonymous_id": "d1", "user_id": "u1", "session_id": "s1", "event_name": "page_view",
        "occurred_at": datetime(2026, 11, 20, 2, 0, 0, 250_000, tzinfo=UTC),
        "received_at": datetime(2026, 11, 20, 2, 0, 1, 500_000, tzinfo=UTC),
        "page_url": EVENT["page_url"], "page_title": "价格", "referrer_url": "https://www.baidu.com/",
        "utm_source": "baidu", "utm_campaign": "spring", "user_agent": "Mozilla/5.0", "ip_address": "203.0.113.7",
        "source_row": 1,
    }] * 5  # fmt: skip


def test_what_an_event_lacks_is_taken_from_elsewhere(tmp_path: Path) -> None:
    server = {**EVENT, "domain_userid": "", "network_userid": "", "derived_tstamp": ""}
    struct = {**EVENT, "event": "struct", "event_name": "event", "se_action": "download", "domain_userid": ""}
    nobody = {**server, "user_id": ""}
    (tmp_path / "a.tsv").write_text(tsv(server, struct, nobody))
    first, second, third = rows(tmp_path, path="a.tsv")
    assert (first["anonymous_id"], first["occurred_at"]) == ("user:u1", first["received_at"])
    assert (second["anonymous_id"], second["event_name"]) == ("n1", "download")
    assert [error["field"] for error in json.loads(third["row_errors"])] == ["anonymous_id"]


def test_a_time_that_the_enricher_did_not_derive_comes_with_both_clocks(tmp_path: Path) -> None:
    clocks = {"dvce_created_tstamp": "2026-11-20 05:00:00", "dvce_sent_tstamp": "2026-11-20 05:00:02"}
    (tmp_path / "a.tsv").write_text(
        tsv({**EVENT, **clocks}, {**EVENT, **clocks, "derived_tstamp": ""}, {**EVENT, "derived_tstamp": ""})
    )
    derived, device, server = rows(tmp_path, path="a.tsv")
    assert "sent_at" not in derived and derived["occurred_at"].hour == 2
    assert json.loads(derived["properties"])["dvce_created_tstamp"] == "2026-11-20 05:00:00"
    assert (device["occurred_at"], device["sent_at"]) == (
        datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2026, 11, 20, 5, 0, 2, tzinfo=UTC),
    )  # fmt: skip
    assert "sent_at" not in server and server["occurred_at"] == server["received_at"]


def test_ids_stay_when_a_file_comes_again_under_another_name(tmp_path: Path) -> None:
    content = tsv(EVENT, EVENT, {**EVENT, "event_id": ""})
    for name in ("a.tsv", "b.tsv"):
        (tmp_path / name).write_text(content)
    ids = [row["event_id"] for row in rows(tmp_path, path="?.tsv")]
    assert ids[:3] == ids[3:]
    assert ids[:2] == ["e1", "e1"] and ids[2].startswith("row:")


def test_bad_rows_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(tsv(EVENT) + "shop\tweb\n" + tsv({**EVENT, "derived_tstamp": "soon"}) + tsv(EVENT))
    found = rows(tmp_path, path="a.tsv")
    errors = {row["source_row"]: json.loads(row["row_errors"])[0] for row in found if "row_errors" in row}
    assert {row: error["rule"] for row, error in errors.items()} == {2: "malformed_row", 3: "not_timestamp"}
    assert (errors[2]["expected"], json.loads(found[1]["raw_row"])) == ("131 fields", "shop\tweb")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.tsv", b"", SourceFault, "empty"),
        ("a.tsv", b"<html>sign in</html>", SourceFault, "web page"),
        ("a.tsv.gz", gzip.compress(tsv(EVENT).encode() * 50)[:-9], SourceFault, "cannot be read to its end"),
        ("a.tsv", b"a\tb\n", ConfigError, "does not hold the canonical event"),
        ("a.tsv", tsv(EVENT).encode("gb18030"), ConfigError, "encoding"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes, error: Any, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        rows(tmp_path, path=name)
    assert caught.value.expected and caught.value.found and caught.value.remedy


def test_a_setting_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(tsv(EVENT))
    with pytest.raises(ConfigError, match="unknown"):
        rows(tmp_path, path="a.tsv", table="pages")
