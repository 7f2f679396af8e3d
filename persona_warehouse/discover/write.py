"""The sources file of what was guessed; each guess that a person should look at says so in a comment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from persona_warehouse.discover.guess import Guess
from persona_warehouse.discover.look import Looked
from persona_warehouse.landing.contract import STREAMS, contract

HEAD = """\
# Made by `persona init` from {folder}. Lines with `guess` want a look. Paths are relative to this file; columns
# that are not named are kept in `properties`. What each setting means: persona_warehouse/sources/README.md
sources:"""


def sources_text(
    folder: Path,
    out: Path,
    guesses: Sequence[Guess],
    looked: Sequence[Looked],
    *,
    currency: str | None,
    site: str | None,
) -> str:
    """The text of a sources file at `out`.

    Args:
        looked: everything that stands in the folder, so that a pattern takes no other file.
        currency: of amounts that name none; None writes CNY as a guess.
        site: the web site that logs are of.
    """
    base = Path(os.path.relpath(folder.absolute(), out.absolute().parent)).as_posix()
    logs = [one for one in looked if one.table is None and not one.problem]
    lines = [HEAD.format(folder=folder.name)]
    for stream in STREAMS:
        mine = [one for one in guesses if one.stream == stream]
        if not mine and not (stream == "website" and logs):
            continue
        lines.append(f"  {stream}:")
        if stream == "website":
            lines += [line for one in _objects(mine) for line in _events(base, one, looked)]
            lines += _logs(base, logs, looked, site) if logs else []
        else:
            lines += ["    - connector: files", f"      path: {_scalar(base)}", "      objects:"]
            for parts in _objects(mine):
                lines += [f"        {parts[0].name}:", *_indent(_object(parts, looked, currency), 10)]
    taken = {one.looked.name for one in guesses} | {one.name for one in logs}
    others = [one for one in looked if one.name not in taken]
    if others:
        lines.append("# not recognised, and not read:")
        lines += [f"#   {one.name}" + (f": {one.problem}" if one.problem else "") for one in others]
    return "\n".join(lines) + "\n"


def _objects(guesses: Sequence[Guess]) -> list[list[Guess]]:
    """Guesses of one object together: parts of one export."""
    parts: dict[str, list[Guess]] = {}
    for one in guesses:
        parts.setdefault(one.name, []).append(one)
    return list(parts.values())


def _object(parts: list[Guess], looked: Sequence[Looked], currency: str | None) -> Iterator[str]:
    one = max(parts, key=lambda part: part.score)
    yield f"file: {_scalar(pattern([part.looked.name for part in parts], looked))}"
    yield from _settings(one, currency)


def _events(base: str, parts: list[Guess], looked: Sequence[Looked]) -> Iterator[str]:
    one = max(parts, key=lambda part: part.score)
    yield "    - connector: events"
    yield f"      path: {_scalar(f'{base}/{pattern([part.looked.name for part in parts], looked)}')}"
    yield from _indent(_settings(one, None), 6)


def _logs(base: str, logs: Sequence[Looked], looked: Sequence[Looked], site: str | None) -> Iterator[str]:
    yield "    - connector: access_log"
    yield f"      path: {_scalar(f'{base}/{pattern([one.name for one in logs], looked)}')}"
    yield f"      site: {_scalar(site)}" if site else "      # site: https://www.example.com"


def _settings(one: Guess, currency: str | None) -> Iterator[str]:
    if one.looked.encoding not in ("", "utf-8"):
        yield f"encoding: {one.looked.encoding}"
    if one.looked.sheet:
        yield f"sheet: {_scalar(one.looked.sheet)}"
    yield "columns:"
    for column in one.columns:
        yield f"  {column.field}: {_scalar(column.source)}" + ("" if column.is_sure else f"  # guess: {column.why}")
    for setting, by_column in one.settings.items():
        yield f"{setting}:"
        for column_name, value in by_column.items():
            doubt = one.doubts.get(f"{setting}.{column_name}")
            yield f"  {column_name}: {_scalar(value)}" + (f"  # guess: {doubt}" if doubt else "")
    for setting, doubt in one.doubts.items():
        if setting.startswith("unknown."):
            column_name = setting.removeprefix("unknown.")
            yield f"# {column_name}: no seed knows {doubt}; map them under `values:`, or add them to the seed"
    if any(column.field in contract(one.stream, one.name).money for column in one.columns):
        yield f"currency: {currency or 'CNY'}" + ("" if currency else "  # guess: of amounts that name none")
    for name, why in one.left.items():
        if why:
            yield f"# {name!r} is {why}"


def pattern(names: Sequence[str], looked: Sequence[Looked]) -> str:
    """One name, or the pattern that takes these files and no other; failing that the first of them."""
    unique = sorted(set(names))
    if len(unique) == 1:
        return unique[0]
    beginning = _common(unique)
    room = min(map(len, unique)) - len(beginning)
    ending = _common([name[len(name) - room :][::-1] for name in unique])[::-1] if room else ""
    found = f"{beginning}*{ending}"
    others = [one.name for one in looked if one.name not in unique]
    if "/" not in beginning and any("/" in name for name in unique):
        return unique[-1]
    return unique[-1] if any(Path(name).match(found) for name in others) else found


def _common(names: Sequence[str]) -> str:
    """The beginning that all names share."""
    first, last = min(names), max(names)
    alike = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:alike]


def _indent(lines: Iterator[str], width: int) -> list[str]:
    return [" " * width + line for line in lines]


def _scalar(value: Any) -> str:
    """A value on one line, as the sources file's reader reads it."""
    return yaml.safe_dump(
        value, allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False
    ).removesuffix("\n").removesuffix("\n...")  # fmt: skip
