"""Received: the follower events that `persona wechat-receiver` wrote."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from persona_warehouse.landing.contract import ObjectContract, contract, landing_schema
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import require_known
from persona_warehouse.sources.reading import FileOptions, read_file, settings_of
from persona_warehouse.sources.receiver.segments import received_folder, whole_bytes

OBJECT = "follower_events"
MAPPING = Mapping(columns={}, timezone="UTC")


@dataclass(frozen=True)
class Segment:
    """The part of a segment file that can be read now; what is appended later belongs to the next load."""

    path: Path
    length: int

    def content(self) -> bytes:
        with self.path.open("rb") as stream:
            return stream.read(self.length)


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each segment, closed or open; none before the first event was received.

    Raises:
        ConfigError: a setting is unknown.
    """
    require_known(config, {"connector"}, stream=stream)
    shape = contract(stream, OBJECT)
    how = json.dumps(settings_of(MAPPING, FileOptions()), sort_keys=True).encode()
    for path in sorted(received_folder(settings).glob("events-*.jsonl")):
        segment = Segment(path, whole_bytes(path))
        if segment.length:
            yield Extract(
                object=OBJECT,
                origin=path.relative_to(settings.home).as_posix(),
                batches=lambda segment=segment: read_segment(shape, segment),  # type: ignore[misc]
                fingerprint=hashlib.sha256(segment.content() + how).hexdigest(),
            )


def read_segment(shape: ObjectContract, segment: Segment) -> Iterator[pa.Table | pa.RecordBatch]:
    """Reads a segment into the landing shape; a line that was torn when its writer died is a row in error."""
    content = segment.content()
    if b"\n" not in content:
        # nothing but a torn line: as a file of its own it would be taken for another format
        yield _torn(segment.path.name, content, shape)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / segment.path.name
        copy.write_bytes(content)
        yield from read_file(shape, copy, MAPPING, FileOptions())


def _torn(name: str, content: bytes, shape: ObjectContract) -> pa.Table:
    text = content.decode("utf-8", "replace")
    error = {"field": None, "rule": "malformed_json", "expected": "one JSON object a line", "found": text[:40]}
    row = {
        "source_file": name,
        "source_row": 1,
        "row_errors": json.dumps([error], ensure_ascii=False),
        "raw_row": json.dumps(text, ensure_ascii=False),
    }
    return pa.Table.from_pylist([row], schema=landing_schema(shape.stream, shape.name))
