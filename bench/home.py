"""A home that a stage loads into, gone when the stage ends."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from persona_warehouse.settings import Settings
from persona_warehouse.sources.load import load_stream


@contextmanager
def fresh(stream: str, *entries: dict[str, Any]) -> Iterator[Settings]:
    """Settings of an empty home whose sources file holds these entries."""
    home = Path(tempfile.mkdtemp(prefix="bench"))
    try:
        sources = home / "sources.yml"
        sources.write_text(json.dumps({"sources": {stream: entries}}), encoding="utf-8")
        yield Settings(home, sources, date(2026, 11, 20), "Asia/Shanghai", 7)
    finally:
        shutil.rmtree(home)


def land(stream: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """One load of a stream, from the sources file to the manifest."""
    with fresh(stream, *entries) as settings:
        result = load_stream(settings, stream)
        files = (settings.landing / stream).glob("*/load_date=*/*.parquet")
        return {
            "rows": result.rows,
            "rows_in_error": result.rows_in_error,
            "bytes": sum(file.stat().st_size for file in files),
        }
