"""Dictionaries kept as seeds, and the best way to lay their terms over a text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import ahocorasick

from persona_warehouse.errors import ConfigError
from persona_warehouse.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"

Meaning = TypeVar("Meaning")


@dataclass(frozen=True)
class Match(Generic[Meaning]):
    """A term found in a text, `[start, end)`; `sure` is 1 for a term as it stands in the dictionary."""

    start: int
    end: int
    term: str
    meaning: Meaning
    sure: float = 1.0


class Vocabulary(Generic[Meaning]):
    """Terms with their meanings. Latin letters and digits are matched as whole words only: no `cto` in `director`.

    Args:
        terms: (term, meaning), in lower case; of a term given twice the first counts.
    """

    def __init__(self, terms: Iterable[tuple[str, Meaning]]) -> None:
        self.meanings: dict[str, Meaning] = {}
        for term, meaning in terms:
            self.meanings.setdefault(term, meaning)
        self._automaton = ahocorasick.Automaton()
        for term in self.meanings:
            self._automaton.add_word(term, term)
        self._automaton.make_automaton()

    def found(self, text: str) -> Iterator[Match[Meaning]]:
        """Every occurrence of every term, overlapping ones too."""
        if not self.meanings:
            return
        for last, term in self._automaton.iter(text):
            start, end = last - len(term) + 1, last + 1
            if _is_whole(text, start, end):
                yield Match(start, end, term, self.meanings[term])


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_is_word(before) and _is_word(text[start])) and not (_is_word(after) and _is_word(text[end - 1]))


def _is_word(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def best_cover(length: int, matches: Iterable[Match[Meaning]]) -> list[Match[Meaning]]:
    """The matches, none overlapping, that cover the most of a text; among equals the fewest, then the longest first.

    Dynamic programming over positions from the end. A match less than sure counts for its share.
    """
    starts: dict[int, list[Match[Meaning]]] = {}
    for match in matches:
        starts.setdefault(match.start, []).append(match)
    # (covered, -number of matches, length of the first), and the first match
    best: list[tuple[float, int, int]] = [(0.0, 0, 0)] * (length + 1)
    step: list[Match[Meaning] | None] = [None] * (length + 1)
    for at in range(length - 1, -1, -1):
        best[at] = (best[at + 1][0], best[at + 1][1], 0)
        for match in starts.get(at, ()):
            rest = best[match.end]
            size = match.end - at
            score = (rest[0] + size * match.sure, rest[1] - 1, size)
            if score > best[at]:
                best[at], step[at] = score, match
    found, at = [], 0
    while at < length:
        chosen = step[at]
        if chosen is not None:
            found.append(chosen)
        at = chosen.end if chosen is not None else at + 1
    return found


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a seed, by its path below dbt_project/seeds without `.csv`.

    Raises:
        ConfigError: it is missing, or a line of it has too few or too many fields.
    """
    return read_rows(SEEDS / f"{name}.csv")


def read_rows(path: Path) -> tuple[dict[str, str], ...]:
    """The rows of a CSV with a header line, texts without blanks around them.

    Raises:
        ConfigError: it is missing, or a line of it has too few or too many fields.
    """
    if not path.is_file():
        raise ConfigError("a dictionary is missing", file=str(path), remedy="restore the seed from the repository")
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = []
        for number, row in enumerate(reader, 1):
            if None in row or None in row.values():
                raise ConfigError(
                    "a line of a dictionary has another number of fields than its header",
                    file=str(path),
                    row=number,
                    expected=f"{len(reader.fieldnames or ())} fields",
                    found=", ".join(str(value) for value in row.values()),
                    remedy="quote a field that holds a comma",
                )
            rows.append({name: value.strip() for name, value in row.items()})
    return tuple(rows)
