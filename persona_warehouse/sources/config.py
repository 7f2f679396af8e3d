"""The sources file (sources.yml): what to load, read and checked before anything is touched."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import STREAMS

CONNECTORS = {
    "crm": ("files",),
    "website": ("events", "access_log"),
    "wechat": ("official_account", "files"),
}


@dataclass(frozen=True)
class SourcesFile:
    """A sources file, read: for each stream its connector entries, in order. `base` is the folder of relative paths."""

    path: Path
    base: Path
    streams: dict[str, list[dict[str, Any]]]


def read_sources(path: Path) -> SourcesFile:
    """Reads and checks a sources file.

    Raises:
        ConfigError: it is missing, is no YAML, or names a stream or connector that does not exist.
    """
    if not path.is_file():
        raise ConfigError(
            "there is no sources file",
            file=str(path),
            expected="a sources.yml that says what to load",
            found="nothing there",
            remedy="give --sources FILE, or write a sample world with `persona simulate`",
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(
            "the sources file is no YAML",
            file=str(path),
            row=mark.line + 1 if mark else None,
            found=str(getattr(error, "problem", error)),
            remedy="correct the line; indentation is two spaces, no tabs",
        ) from error
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, dict):
        raise ConfigError(
            "the sources file has no `sources:`",
            file=str(path),
            expected="`sources:` with crm, website and wechat below it",
            found=f"{type(content).__name__}",
            remedy="see README, section Sources",
        )
    for stream, entries in sources.items():
        _check_stream(path, stream, entries)
    return SourcesFile(path, path.parent, {stream: sources.get(stream) or [] for stream in STREAMS})


def _check_stream(path: Path, stream: str, entries: Any) -> None:
    if stream not in STREAMS:
        raise _unknown("stream", stream, STREAMS, path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            "a stream must list its connectors",
            source=stream,
            file=str(path),
            expected="a list, each entry beginning with `- connector:`",
            found=type(entries).__name__,
            remedy="correct the sources file",
        )
    for entry in entries:
        name = entry.get("connector")
        if name not in CONNECTORS[stream]:
            raise _unknown("connector", str(name), CONNECTORS[stream], path, stream)


def _unknown(kind: str, name: str, known: tuple[str, ...], path: Path, stream: str | None = None) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1)
    return ConfigError(
        f"the sources file names a {kind} that does not exist",
        source=stream,
        file=str(path),
        expected=", ".join(known),
        found=f"{name}" + (f" (nearest: {near[0]})" if near else ""),
        remedy="correct the sources file",
    )


def require_known(entry: dict[str, Any], known: set[str], *, stream: str, object: str | None = None) -> None:
    """Refuses settings that nothing reads: a misspelt key must not be passed over in silence.

    Raises:
        ConfigError: an unknown key.
    """
    for key in entry:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise ConfigError(
                "a setting of the sources file is unknown",
                source=stream,
                object=object,
                field=str(key),
                expected=", ".join(sorted(known)),
                found=f"{key}" + (f" (nearest: {near[0]})" if near else ""),
                remedy="correct the sources file",
            )
