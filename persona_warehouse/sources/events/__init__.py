"""Web events in the canonical columns (event_id, anonymous_id, occurred_at, page_url …): JSON lines, CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import require_known, text_of
from persona_warehouse.sources.files import OBJECT_KEYS, extract_object

KEYS = {"connector", "path"} | OBJECT_KEYS - {"file"}


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file that `path` matches.

    Raises:
        ConfigError: no file matches, a setting is unknown or cannot be read.
    """
    require_known(config, KEYS, stream=stream)
    folder, pattern = _split(Path(text_of(config, "path", "web/*.jsonl.gz", stream=stream)))
    base = settings.sources_file.parent / folder
    yield from extract_object({**config, "file": pattern}, stream, "events", base, settings)


def _split(path: Path) -> tuple[Path, str]:
    """The folder that a path names, and the pattern below it: its file, or all from the first wildcard on."""
    fixed = list(takewhile(lambda part: not set(part) & set("*?["), path.parts[:-1]))
    return Path(*fixed), str(Path(*path.parts[len(fixed) :]))
