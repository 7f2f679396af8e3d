"""The ga4 connector: nested parameters, micro-seconds, days that are written again."""

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
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import landing_schema
from persona_warehouse.landing.extract import Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources import ga4
from persona_warehouse.sources.load import load_stream

NIGHT = Window(datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))


def param(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": {"string_value": None, "int_value": None, "double_value": None, **value}}


EVENT: dict[str, Any] = {
    "event_date": "20251120", "event_timestamp": 1763600400123456, "event_name": "page_view",
    "user_pseudo_id": "123.456", "user_id": "u1", "batch_ordering_id": 1, "batch_event_index": 2,
    "device": {"category": "desktop"}, "traffic_source": {"source": "first"},
    "collected_traffic_source": {"manual_source": "baidu", "manual_campaign_name": "spring", "gclid": "g"},
    "event_params": [
        param("ga_session_id", int_value=1763600400), param("page_location", string_value="https://www.example.com/价格"),
        param("page_title", string_value="价格"), param("page_referrer", string_value="https://www.baidu.com/"),
        param("source", string_value="other"), param("medium", string_value="(none)"), param("value", double_value=1.5),
        param("engaged", int_value=1), param("engaged", int_value=2), param("nothing"),
    ],
}  # fmt: skip


def lines(*events: dict[str, Any]) -> str:
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


def as_bigquery(value: Any) -> Any:
    """Without nulls, whole numbers as texts."""
    if isinstance(value, dict):
        return {key: as_bigquery(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [as_bigquery(inner) for inner in value]
    return str(value) if isinstance(value, int) else value


def rows(folder: Path, **config: Any) -> list[dict[str, Any]]:
    settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
    extracts = ga4.extract({"connector": "ga4", **config}, "website", settings, NIGHT)
    batches = [batch for one in extracts for batch in one.batches()]
    assert all(batch.schema == landing_schema("website", "events") for batch in batches)
    found = [{key: value for key, value in row.items() if value is not None} for b in batches for row in b.to_pylist()]
    return sorted(found, key=lambda row: (row["source_file"], row["source_row"]))


def read(folder: Path, *events: dict[str, Any], **config: Any) -> list[dict[str, Any]]:
    (folder / "a.jsonl").write_text(lines(*events))
    return rows(folder, path="a.jsonl", **config)


def test_an_event_is_the_same_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text(lines(EVENT))
    (tmp_path / "2.json.gz").write_bytes(gzip.compress(lines(as_bigquery(EVENT)).encode()))
    pq.write_table(pa.Table.from_pylist([EVENT]), tmp_path / "3.parquet")
    wrapped = {**EVENT, "event_params": {"list": [{"element": one} for one in EVENT["event_params"]]}}
    pq.write_table(pa.Table.from_pylist([wrapped]), tmp_path / "4.parquet")
    found = rows(tmp_path, path="?.*")
    assert [row.pop("source_file")[0] for row in found] == list("1234")
    assert len({row.pop("event_id") for row in found}) == 1
    for row in found:
        properties = json.loads(row.pop("properties"))
        assert properties == {
            "event_date": "20251120", "device": {"category": "desktop"}, "traffic_source": {"source": "first"},
            "collected_traffic_source": {"gclid": "g"},
            "event_params": {"value": "1.5", "engaged": "1"},
        }  # fmt: skip
    assert found == [{
        "anonymous_id": "123.456", "user_id": "u1", "session_id": "1763600400", "event_name": "page_view",
        "page_title": "价格",
        "occurred_at": datetime(2025, 11, 20, 1, 0, 0, 123_456, tzinfo=UTC), "page_url": "https://www.example.com/价格",
        "referrer_url": "https://www.baidu.com/", "utm_source": "baidu", "utm_campaign": "spring", "source_row": 1,
    }] * 4  # fmt: skip


def test_a_day_that_is_written_again_has_the_same_ids(tmp_path: Path) -> None:
    later = {**EVENT, "batch_event_index": 3}
    (tmp_path / "events_intraday.jsonl").write_text(lines(EVENT, later))
    # attribution is completed, rows come in another order, late ones are there too
    completed = {
        "traffic_source": {"source": "google"},
        "is_active_user": True,
        "event_params": EVENT["event_params"][:3],
    }
    again = lines({**later, **completed}, {**EVENT, "event_timestamp": 1763600400123457}, {**EVENT, **completed})
    (tmp_path / "events_rewritten.jsonl").write_text(again)
    first, second, *rewritten = [row["event_id"] for row in rows(tmp_path, path="*.jsonl")]
    assert len({first, second, *rewritten}) == 3
    assert (rewritten[2], rewritten[0]) == (first, second)


class Nights:
    """A home that days are loaded into, night by night."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        (folder / "sources.yml").write_text(
            "sources: {website: [{connector: ga4, path: ga4/*}, {connector: ga4, path: shop/*}]}"
        )
        self.day("shop/events_20251120.jsonl", EVENT)

    def day(self, name: str, *events: dict[str, Any]) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(lines(*events))

    def load(self) -> dict[str, tuple[str, bool | None]]:
        """A night: what it landed, event -> its file and whether it was taken back."""
        load_stream(self.settings, "website")
        landed = [
            row
            for file in store.manifests(self.settings, "website")[-1].files
            for row in pq.read_table(self.settings.landing / "website" / file.path, partitioning=None).to_pylist()
        ]
        assert all(row["occurred_at"] and row["anonymous_id"] for row in landed)
        return {row["page_title"] or row["event_id"]: (row["source_file"], row["is_deleted"]) for row in landed}

    def id_of(self, event: dict[str, Any]) -> str:
        [row] = read(self.folder, event)
        return str(row["event_id"])


def titled(title: str) -> dict[str, Any]:
    """An event like any other of its day, by another place in its batch."""
    params = [one for one in EVENT["event_params"] if one["key"] != "page_title"]
    return {**EVENT, "batch_page_id": title, "event_params": [*params, param("page_title", string_value=title)]}


def test_a_day_that_is_written_again_takes_back_what_it_lacks_now(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    one, two, three, four = map(titled, ("one", "two", "three", "four"))
    nights.day("ga4/events_20251120.jsonl", one, two, three)
    nights.day("ga4/events_20251121.jsonl", four)
    file = "ga4/events_20251120.jsonl"
    other = {"four": ("ga4/events_20251121.jsonl", None), "价格": ("shop/events_20251120.jsonl", None)}
    assert nights.load() == {**dict.fromkeys(("one", "two", "three"), (file, None)), **other}
    nights.day(file, one, three, titled("five"))
    again = nights.load()
    gone = {nights.id_of(two): (file, True)}
    assert again == {**dict.fromkeys(("one", "three", "five"), (file, None)), **gone}
    # nothing is told twice, and what comes back is there again
    assert nights.load() == {}
    nights.day(file, one, two, three)
    back = nights.load()
    assert back == {**dict.fromkeys(("one", "two", "three"), (file, None)), nights.id_of(titled("five")): (file, True)}


def test_the_whole_day_takes_the_place_of_the_unfinished_one_and_of_its_parts(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    one, two, three, four = map(titled, ("one", "two", "three", "four"))
    early = "ga4/events_intraday_20251120.jsonl"
    nights.day(early, one, two, three)
    assert set(nights.load()) == {"one", "two", "three", "价格"}
    # both stand there for a while; the unfinished one is not read any more
    first, second = (f"ga4/events_20251120-00000000000{number}.jsonl" for number in (0, 1))
    nights.day(first, one)
    nights.day(second, two, four)
    whole = {"one": (first, None), "two": (second, None), "four": (second, None)}
    assert nights.load() == {**whole, nights.id_of(three): (early, True)}
    (tmp_path / second).unlink()
    nights.day(first, one, two)
    assert nights.load() == {"one": (first, None), "two": (first, None), nights.id_of(four): (second, True)}


def test_a_day_of_which_most_is_gone_is_not_believed(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    events = [titled(str(number)) for number in range(30)]
    nights.day("ga4/events_20251120.jsonl", *events)
    nights.load()
    nights.day("ga4/events_20251120.jsonl", *events[:3])
    with pytest.raises(SourceFault, match=r"ga4/events_20251120.jsonl has vanished") as caught:
        nights.load()
    assert (caught.value.found, caught.value.source) == ("27 gone", "website/ga4")
    assert len(store.manifests(nights.settings, "website")) == 1


def test_without_its_place_in_a_batch_an_event_is_known_by_its_parameters(tmp_path: Path) -> None:
    old = {key: value for key, value in EVENT.items() if not key.startswith("batch")}
    one, same, other = read(tmp_path, old, old, {**old, "event_params": EVENT["event_params"][:2]})
    assert one["event_id"] == same["event_id"] != other["event_id"]


def test_a_parameter_can_be_named(tmp_path: Path) -> None:
    event = {**EVENT, "event_params": [param("mail", string_value="li@example.com")]}
    [row] = read(tmp_path, event, columns={"email": "event_params.mail", "utm_source": "traffic_source.source"})
    assert (row["email"], row["utm_source"]) == ("li@example.com", "first")
    assert "event_params" not in json.loads(row["properties"])


def test_bad_events_go_to_quarantine_with_their_reason(tmp_path: Path) -> None:
    nobody = {**EVENT, "user_pseudo_id": None, "user_id": None}
    odd = [{**EVENT, "event_params": value} for value in (None, [], "x", {"a": 1}, [1], [{"key": "k", "value": 3}])]
    server = {**nobody, "user_id": "u1"}
    (tmp_path / "a.jsonl").write_text(
        lines(nobody, {**EVENT, "event_timestamp": "x"}) + '{"cut\n' + lines(server, *odd)
    )
    found = rows(tmp_path, path="a.jsonl")
    errors = {row["source_row"]: json.loads(row["row_errors"])[0]["rule"] for row in found if "row_errors" in row}
    assert errors == {1: "required", 2: "not_timestamp", 3: "malformed_json"}
    assert found[3]["anonymous_id"] == "user:u1"
    assert [row["source_row"] for row in found if "page_url" not in row] == [3, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.jsonl", b"", SourceFault, "empty"),
        ("a.jsonl", b"<html>sign in</html>", SourceFault, "web page"),
        ("a.json.gz", gzip.compress(lines(EVENT).encode() * 50)[:-9], SourceFault, "cannot be read to its end"),
        ("a.json", b"[\n", SourceFault, "no JSON lines"),
        ("a.json", b'{"a": 1}\n', ConfigError, "a required column is not there"),
        ("a.parquet", b"PAR1", SourceFault, "cannot be read to its end"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, name: str, content: bytes, error: Any, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        rows(tmp_path, path=name)
    assert caught.value.expected and caught.value.found and caught.value.remedy


def test_a_setting_that_nothing_reads_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        read(tmp_path, EVENT, table="pages")
