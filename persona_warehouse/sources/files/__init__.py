"""Files: exports in CSV, XLSX, Parquet or JSON lines, with columns, formats, money and values mapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import contract
from persona_warehouse.landing.extract import Extract, Window
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.mapping_checks import check_mapping
from persona_warehouse.settings import Settings
from persona_warehouse.sources.config import map_of, require_known, text_of
from persona_warehouse.sources.reading import FileOptions, file_batches, find_files, fingerprint, settings_of

ENTRY_KEYS = {"connector", "path", "objects"}
OBJECT_KEYS = {
    "file", "columns", "formats", "money", "values", "constants", "currency", "timezone", "encoding", "delimiter",
    "sheet",
}  # fmt: skip
TAB = {"tab": "\t", "\\t": "\t"}


def extract(config: dict[str, Any], stream: str, settings: Settings, window: Window) -> Iterator[Extract]:
    """One extract for each file of each object in `config`.

    Raises:
        ConfigError: a file is missing, a setting is unknown or cannot be read.
    """
    require_known(config, ENTRY_KEYS, stream=stream)
    base = settings.sources_file.parent / text_of(config, "path", "exports/", stream=stream, default=".")
    objects = map_of(config, "objects", stream=stream)
    if not objects:
        raise ConfigError(
            "the files connector has no objects",
            source=stream,
            expected="`objects:` with a landing object and its `file:` below it",
            found="nothing",
            remedy="correct the sources file, or take the entry out",
        )
    for name in objects:
        spec = map_of(objects, name, stream=stream)
        require_known(spec, OBJECT_KEYS, stream=stream, object=name)
        yield from extract_object(spec, stream, name, base, settings)


def extract_object(spec: dict[str, Any], stream: str, name: str, base: Path, settings: Settings) -> Iterator[Extract]:
    """One extract for each file that `spec["file"]` names below `base`.

    Raises:
        ConfigError: as `extract`.
    """
    shape = contract(stream, name)
    pattern = text_of(spec, "file", "Accounts.csv or deals_*.csv", stream=stream, object=name)
    mapping = _mapping(spec, stream, name, settings)
    check_mapping(shape, mapping)
    options = FileOptions(
        encoding=text_of(spec, "encoding", "gb18030", stream=stream, object=name, default="utf-8"),
        delimiter=_delimiter(spec, stream, name),
        sheet=str(spec["sheet"]) if spec.get("sheet") is not None else None,
    )
    _require_within(base, Path(pattern), stream, name, ".." in Path(pattern).parts or Path(pattern).is_absolute())
    for path in find_files(base, pattern, source=stream, object=name):
        _require_within(base, path, stream, name, not path.resolve().is_relative_to(base.resolve()))
        yield Extract(
            object=name,
            origin=origin_of(path, settings),
            batches=file_batches(shape, path, mapping, options),
            fingerprint=fingerprint(path, settings_of(mapping, options)),
        )


def _require_within(base: Path, path: Path, stream: str, name: str, is_outside: bool) -> None:
    """Refuses what leads out of the folder that the entry names: who may put a file there may not have others read."""
    if is_outside:
        raise ConfigError(
            "a file lies outside of its source's folder",
            source=stream,
            object=name,
            file=str(path),
            field="file",
            expected=f"a file below {base}, not a path with `..`, nor a link that leads elsewhere",
            found="one that leads out of it",
            remedy="name the folder under `path:`, and the file below it",
        )


def origin_of(path: Path, settings: Settings) -> str:
    """A file's name in manifests: its path from the sources file's folder, so that two folders' files do not mix."""
    base = settings.sources_file.parent
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _mapping(spec: dict[str, Any], stream: str, name: str, settings: Settings) -> Mapping:
    def named(key: str) -> dict[str, Any]:
        return map_of(spec, key, stream=stream, object=name)

    values = named("values")
    return Mapping(
        columns={column: str(source) for column, source in named("columns").items()},
        formats=named("formats"),
        money=named("money"),
        values={
            column: {
                str(_text(old)): _text(new) for old, new in map_of(values, column, stream=stream, object=name).items()
            }
            for column in values
        },
        constants={column: str(_text(value)) for column, value in named("constants").items() if value is not None},
        currency=str(spec["currency"]) if spec.get("currency") else None,
        timezone=str(spec.get("timezone") or settings.timezone),
    )


def _text(value: Any) -> str | None:
    """A value as the YAML file wrote it."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _delimiter(spec: dict[str, Any], stream: str, name: str) -> str | None:
    named = spec.get("delimiter")
    delimiter = TAB.get(str(named), str(named)) if named is not None else None
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        raise ConfigError(
            "the delimiter cannot be read",
            source=stream,
            object=name,
            field="delimiter",
            expected='one character, such as ";" or "\\t"',
            found=repr(named),
            remedy="correct the sources file",
        )
    return delimiter
