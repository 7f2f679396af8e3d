"""The sources file (sources.yml): what to load, read and checked before anything is touched."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing.contract import STREAMS

CONNECTORS = {
    "crm": ("files", "sql", "hubspot", "salesforce", "fxiaoke"),
    "website": ("events", "access_log", "segment", "snowplow", "sensors", "ga4", "matomo", "sql"),
    "wechat": ("official_account", "files", "received"),
}
SHAPES = {dict: "a map", list: "a list", str: "a text", type(None): "nothing"}


@dataclass(frozen=True)
class SourcesFile:
    """A sources file, read: for each stream its connector entries, in order. `base` is the folder of relative paths."""

    path: Path
    base: Path
    streams: dict[str, list[dict[str, Any]]]


class _Loader(yaml.SafeLoader):
    """YAML in which `no` is a text (Norway, or a vendor's word), and a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


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
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _no_yaml(path, error) from error
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, dict):
        raise ConfigError(
            "the sources file has no `sources:`",
            file=str(path),
            expected="`sources:` with crm, website and wechat below it",
            found=", ".join(map(str, content)) if isinstance(content, dict) else _shape(content),
            remedy='see README, section "Your own data"',
        )
    for stream, entries in sources.items():
        _check_stream(path, stream, entries)
    return SourcesFile(path, path.parent, {stream: sources.get(stream) or [] for stream in STREAMS})


def _no_yaml(path: Path, error: yaml.YAMLError | UnicodeDecodeError) -> ConfigError:
    """The error of a file that is no YAML, with the likely reason."""
    mark = getattr(error, "problem_mark", None)
    found = str(getattr(error, "problem", None) or error)
    remedy = "correct the line or the one above it: two spaces for each level, a blank after every colon"
    if isinstance(error, UnicodeDecodeError):
        found, remedy = f"byte {error.object[error.start]:#04x} at place {error.start}", "save the file as UTF-8"
    elif "'\\t'" in found:
        found, remedy = "a tab", "indent with spaces: YAML allows no tabs"
    return ConfigError(
        "the sources file is no YAML",
        file=str(path),
        row=mark.line + 1 if mark else None,
        expected="YAML in UTF-8",
        found=found,
        remedy=remedy,
    )


def _check_stream(path: Path, stream: str, entries: Any) -> None:
    if stream not in STREAMS:
        raise _unknown("stream", stream, STREAMS, path)
    # a stream under which everything is commented out has no source
    entries = [] if entries is None else entries
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            "a stream must list its connectors",
            source=stream,
            file=str(path),
            expected="a list, each entry beginning with `- connector:`",
            found=_shape(entries),
            remedy="correct the sources file",
        )
    for entry in entries:
        name = entry.get("connector")
        if name not in CONNECTORS[stream]:
            elsewhere = [other for other in STREAMS if name in CONNECTORS[other]]
            said = f"{name}, which belongs under {' or '.join(elsewhere)}" if elsewhere else str(name or "no name")
            raise _unknown("connector", said, CONNECTORS[stream], path, stream)


def _shape(value: Any) -> str:
    if isinstance(value, list):
        return "a list with an entry that is " + next(_shape(v) for v in value if not isinstance(v, dict))
    return SHAPES.get(type(value), str(value))


def _unknown(kind: str, name: str, known: tuple[str, ...], path: Path, stream: str | None = None) -> ConfigError:
    return ConfigError(
        f"the sources file names a {kind} that does not exist",
        source=stream,
        file=str(path),
        expected=", ".join(known),
        found=f"{name}{nearest(name, known)}",
        remedy="correct the sources file",
    )


def nearest(name: str, known: Any) -> str:
    """` (nearest: …)` when one of the known names is like it, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (nearest: {near[0]})" if near else ""


def require_known(entry: dict[str, Any], known: set[str], *, stream: str, object: str | None = None) -> None:
    """Refuses settings that nothing reads: a misspelt key must not be passed over in silence.

    Raises:
        ConfigError: an unknown key.
    """
    for key in entry:
        if key not in known:
            raise _wrong_setting(
                "a setting of the sources file is unknown",
                str(key),
                ", ".join(sorted(known)),
                f"{key}{nearest(str(key), known)}",
                stream,
                object,
            )


def text_of(
    entry: dict[str, Any], key: str, example: str, *, stream: str, object: str | None = None, default: str | None = None
) -> str:
    """A setting that is one text; `default` None says that it must be there.

    Raises:
        ConfigError: it is missing or a list or a map.
    """
    value = entry.get(key, default)
    if value is None or isinstance(value, (dict, list)):
        problem = f"`{key}:` is missing" if value is None else f"`{key}:` must be one text"
        raise _wrong_setting(problem, key, f"`{key}:` such as {example}", SHAPES[type(value)], stream, object)
    return str(value)


def map_of(entry: dict[str, Any], key: str, *, stream: str, object: str | None = None) -> dict[str, Any]:
    """A setting that is a map, empty when it is not there.

    Raises:
        ConfigError: it is something else.
    """
    value = entry.get(key) or {}
    if not isinstance(value, dict):
        found = SHAPES.get(type(value), str(value))
        raise _wrong_setting(f"`{key}:` must be a map", key, "`name: value` pairs", found, stream, object)
    return {str(name): content for name, content in value.items()}


def _wrong_setting(problem: str, key: str, expected: str, found: str, stream: str, object: str | None) -> ConfigError:
    return ConfigError(
        problem,
        source=stream,
        object=object,
        field=key,
        expected=expected,
        found=found,
        remedy="correct the sources file",
    )


def number_of(
    config: Mapping[str, Any], source: str, key: str, default: float, low: float, high: float, *, whole: bool = False
) -> float:
    """A number among the settings of an entry, both bounds allowed.

    Raises:
        ConfigError: it is none, or out of bounds.
    """
    value = config.get(key, default)
    right_kind = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right_kind or not low <= value <= high:
        raise bad_option(source, key, f"a {'whole ' if whole else ''}number from {low:g} to {high:g}", repr(value))
    return value


def bad_option(source: str, key: str, expected: str, found: str, object: str | None = None) -> ConfigError:
    """The error of a setting that has no meaning."""
    return ConfigError(
        "an option of the sources file cannot be read",
        source=source,
        object=object,
        field=key,
        expected=expected,
        found=found[:80],
        remedy=f"correct `{key}:` in the sources file",
    )
