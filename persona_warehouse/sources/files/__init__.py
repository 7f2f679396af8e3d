"""Files: exports in CSV, XLSX, Parquet or JSON lines, with columns, formats, money and values mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.typing import Mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import require_known
from persona_warehouse.sources.reading import FileOptions, file_batches, find_files, fingerprint, settings_of

ENTRY_KEYS = {"connector", "path", "objects"}
OBJECT_KEYS = {
    "file", "columns", "formats", "money", "values", "constants", "currency", "timezone", "encoding", "delimiter", "sheet",
}  # fmt: skip


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file of each object in `config`.

    Raises:
        ConfigError: a file is missing, a setting is unknown.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    base = settings.sources_file.parent / str(config.get("path", "."))
    for name, spec in (config.get("objects") or {}).items():
        if not isinstance(spec, dict) or "file" not in spec:
            raise ConfigError(
                "an object names no file",
                source=stream,
                object=name,
                expected="`file:` with a name or a pattern",
                remedy="correct the sources file",
            )
        require_known(spec, OBJECT_KEYS, stream=stream, object=name)
        yield from extract_object(spec, stream, name, base, settings)


def extract_object(spec: dict[str, Any], stream: str, name: str, base: Path, settings: Settings) -> Iterator[Extract]:
    """One extract for each file that `spec["file"]` names."""
    shape = contract(stream, name)
    mapping = Mapping(
        columns={str(k): str(v) for k, v in (spec.get("columns") or {}).items()},
        formats=spec.get("formats") or {},
        money=spec.get("money") or {},
        values={
            column: {str(k): str(v) for k, v in values.items()} for column, values in (spec.get("values") or {}).items()
        },
        constants={str(k): str(v) for k, v in (spec.get("constants") or {}).items()},
        currency=spec.get("currency"),
        timezone=spec.get("timezone") or settings.timezone,
    )
    options = FileOptions(spec.get("encoding") or "utf-8", spec.get("delimiter"), spec.get("sheet"))
    for path in find_files(base, str(spec["file"]), source=stream, object=name):
        yield Extract(
            object=name,
            origin=path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name,
            batches=file_batches(shape, path, mapping, options),
            fingerprint=fingerprint(path, settings_of(mapping, options)),
        )
