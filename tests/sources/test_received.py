"""Segments of the receiver into the landing zone: whole lines once, torn ones with their reason."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream
from persona_warehouse.sources.receiver.segments import SegmentWriter, received_folder

MOMENT = datetime(2026, 11, 20, 2, tzinfo=UTC)


def line(openid: str, **more: str) -> bytes:
    row = {"openid": openid, "created_at": MOMENT.isoformat(), "event": "scan", "message_type": "event", **more}
    return json.dumps(row).encode() + b"\n"


class World:
    """A home with segments in it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(folder / "home", folder / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)
        self.folder = received_folder(self.settings)
        self.entry("{connector: received}")

    def entry(self, text: str) -> None:
        self.settings.sources_file.write_text(f"sources:\n  wechat:\n    - {text}\n", encoding="utf-8")

    def segment(self, name: str, content: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"events-{name}.jsonl"
        path.write_bytes(content)
        return path

    def load(self) -> str:
        return load_stream(self.settings, "wechat").status

    def landed(self, *, every: bool = False) -> list[dict[str, Any]]:
        """The rows of the newest load, or of every one."""
        loads = store.manifests(self.settings, "wechat")
        files = [file for load in (loads if every else loads[-1:]) for file in load.files]
        root = self.settings.landing / "wechat"
        return [row for file in files for row in pq.read_table(root / file.path, partitioning=None).to_pylist()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def receiving(world: World) -> Iterator[SegmentWriter]:
    writer = SegmentWriter(world.folder)
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


def test_a_receiver_that_has_received_nothing_is_no_fault(world: World) -> None:
    assert world.load() == "unchanged"
    world.segment("1", b"")
    assert world.load() == "unchanged"


def test_a_segment_lands_in_the_contracts_columns_and_once(world: World) -> None:
    world.segment("1", line("o1", event_key="booth7", ticket="T", menu_id="400"))
    assert world.load() == "loaded"
    (row,) = world.landed()
    assert {name: value for name, value in row.items() if value is not None} == {
        "openid": "o1", "created_at": MOMENT, "event": "scan", "event_key": "booth7", "ticket": "T", "menu_id": "400",
        "message_type": "event", "source_file": "events-1.jsonl", "source_row": 1,
    }  # fmt: skip
    assert world.load() == "unchanged"
    world.segment("2", line("o2"))
    assert world.load() == "loaded"
    assert [row["openid"] for row in world.landed()] == ["o2"]


def test_an_open_segment_is_read_up_to_its_last_whole_line(world: World) -> None:
    with receiving(world) as writer:
        writer.append(line("o1")).result(5)
        (path,) = world.folder.iterdir()
        with path.open("ab") as stream:  # as if the load came in the middle of a write
            stream.write(line("o2")[:20])
        assert world.load() == "loaded"
        assert [(row["openid"], row["row_errors"]) for row in world.landed()] == [("o1", None)]
        assert world.load() == "unchanged"
        with path.open("ab") as stream:
            stream.write(line("o2")[20:])
        assert world.load() == "loaded"
        # the first one again: staging keeps one row of each key
        assert [row["openid"] for row in world.landed()] == ["o1", "o2"]


def test_a_receiver_that_writes_while_it_is_read_loses_and_doubles_nothing(world: World) -> None:
    written, stop = [], threading.Event()

    def receive() -> None:
        # small segments: some are closed, one is open, a new one is begun while the load looks
        writer = SegmentWriter(world.folder, segment_bytes=20_000)
        writer.start()
        while not stop.is_set():
            openid = f"o{len(written)}"
            writer.append(line(openid, ticket="x" * (len(written) % 300))).result(5)
            written.append(openid)
        writer.stop()

    receiver = threading.Thread(target=receive)
    receiver.start()
    try:
        for _ in range(3):
            before = len(written)
            assert world.load() == "loaded"
            openids = [row["openid"] for row in world.landed()]
            assert len(openids) == len(set(openids))
            known = {row["openid"] for row in world.landed(every=True)}
            # what was on the disk when the load began is in it or in one before
            assert known >= set(written[:before])
    finally:
        stop.set()
        receiver.join()
    assert world.load() == "loaded"
    rows = world.landed(every=True)
    assert {row["openid"] for row in rows} == set(written)
    assert {row["row_errors"] for row in rows} == {None}
    assert world.load() == "unchanged"


@pytest.mark.parametrize("whole", [b"", line("o1") + line("o2")], ids=["alone", "after others"])
@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_line_goes_to_quarantine_and_breaks_nothing(world: World, whole: bytes, cut: int) -> None:
    world.segment("1", whole + line("o3")[:cut])
    world.segment("2", line("o4"))
    assert world.load() == "loaded"
    rows = world.landed()
    good = [row["openid"] for row in rows if row["row_errors"] is None]
    assert sorted(good) == (["o1", "o2", "o4"] if whole else ["o4"])
    (torn,) = [row for row in rows if row["row_errors"]]
    (error,) = json.loads(torn["row_errors"])
    assert (error["rule"], error["field"]) == ("malformed_json", None)
    assert (torn["source_file"], torn["source_row"]) == ("events-1.jsonl", whole.count(b"\n") + 1)
    assert json.loads(torn["raw_row"]) == line("o3")[:cut].decode()


def test_a_setting_that_nothing_reads_is_an_error(world: World) -> None:
    world.entry("{connector: received, path: elsewhere}")
    with pytest.raises(ConfigError, match="path"):
        world.load()
