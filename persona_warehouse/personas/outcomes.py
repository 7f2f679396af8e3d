"""What the outcome of each row is: won, lost, or not known yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.errors import ConfigError
from persona_warehouse.personas.columns import read_column
from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.recognise.text import plain
from persona_warehouse.recognise.vocabulary import rows_of
from persona_warehouse.warehouse import scratch

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SHOWN_VALUES = 12


@dataclass(frozen=True)
class Outcomes:
    """The outcome of each row.

    Attributes:
        is_known: rows whose outcome is known; the others are blank or open.
        is_won: of every row; False where it is not known.
        won, lost, open: the values that were read as such.
    """

    is_known: Bools
    is_won: Bools
    won: tuple[str, ...]
    lost: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def positives(self) -> int:
        return int(self.is_won.sum())

    @property
    def negatives(self) -> int:
        return int((self.is_known & ~self.is_won).sum())

    @property
    def is_thin(self) -> bool:
        return min(self.positives, self.negatives) < threshold("thin_outcomes")


@cache
def _words() -> dict[str, str]:
    words = {row["source_stage"]: row["deal_state"] for row in rows_of("deal_stages")}
    return words | {row["word"]: row["outcome"] for row in rows_of("fit/outcome_words")}


def read_outcomes(values: pa.ChunkedArray, field: str, file: Path, positive: Sequence[str] = ()) -> Outcomes:
    """Reads a column of outcomes.

    Args:
        positive: values that are the outcome; none: those that mean so (seeds fit/outcome_words, deal_stages), of two
            numbers the greater. Rows that are blank or open are not known.

    Raises:
        ConfigError: which values are the outcome is not clear, none of the rows has it, all have it, or too few.
    """
    with scratch() as connection:
        column = read_column(connection, field, values)
    coded = pc.dictionary_encode(values.combine_chunks())
    places = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    texts = [plain(text) for text in coded.dictionary.to_pylist()]
    counts = np.bincount(places[column.is_filled], minlength=len(texts))
    if not column.is_filled.any():
        raise ConfigError(
            "no row has an outcome",
            file=str(file),
            field=field,
            expected="yes and no, won and lost, 1 and 0, 是 and 否 …",
            found="blanks and placeholders only",
            remedy="give another --label",
        )
    present = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]]
    meanings = _meanings({place: texts[place] for place in present}, positive, field, file)
    states = np.array([meanings.get(place, "open") for place in range(len(texts))] + ["open"])[places]
    is_known = column.is_filled & (states != "open")
    found = Outcomes(
        is_known,
        is_known & (states == "won"),
        *(tuple(texts[p] for p in present if meanings[p] == state) for state in ("won", "lost", "open")),
    )
    _check(found, field, file)
    return found


def _meanings(texts: dict[int, str], positive: Sequence[str], field: str, file: Path) -> dict[int, str]:
    shown = ", ".join(list(texts.values())[:SHOWN_VALUES]) + (" …" if len(texts) > SHOWN_VALUES else "")
    if positive:
        wanted = {_key(each) for each in positive}
        missing = wanted - {_key(text) for text in texts.values()}
        if missing:
            raise ConfigError(
                "no row has the outcome that was named",
                file=str(file),
                field=field,
                expected=f"one of: {shown}",
                found=", ".join(sorted(missing)),
                remedy="give a value of the column to --positive",
            )
        # what is still open is neither won nor lost, unless only that stands beside
        others = {p: "open" if _words().get(_key(t)) == "open" else "lost" for p, t in texts.items()}
        if all(others[p] == "open" for p, t in texts.items() if _key(t) not in wanted):
            others = dict.fromkeys(texts, "lost")
        return {p: "won" if _key(t) in wanted else others[p] for p, t in texts.items()}
    known = {p: _words()[_key(t)] for p, t in texts.items() if _key(t) in _words()}
    if "won" in known.values() and "lost" in known.values():
        unknown = [t for p, t in texts.items() if p not in known]
        if not unknown:
            return known
    elif len(texts) == 1:
        return {p: known.get(p, "won") for p in texts}
    elif len(texts) == 2:
        try:
            low, high = sorted(texts, key=lambda p: float(texts[p]))
            return {low: "lost", high: "won"}
        except ValueError:
            # `won` beside one other value, or `lost` beside one
            if len(known) == 1 and "open" not in known.values():
                (state,) = known.values()
                return {p: known.get(p, "lost" if state == "won" else "won") for p in texts}
    raise ConfigError(
        "which rows have the outcome is not clear",
        file=str(file),
        field=field,
        expected="yes and no, won and lost, 1 and 0, 是 and 否 …",
        found=shown,
        remedy="give --positive VALUE, once for each value that is the outcome",
    )


def _key(text: str) -> str:
    return plain(text).lower()


def _check(found: Outcomes, field: str, file: Path) -> None:
    least = int(threshold("min_outcomes"))
    won, lost = found.positives, found.negatives
    if min(won, lost) >= least:
        return
    said = f"{won:,} rows with the outcome, {lost:,} without, {int((~found.is_known).sum()):,} open or blank"
    if not won or not lost:
        raise ConfigError(
            "all rows have the same outcome: nothing can be compared",
            file=str(file),
            field=field,
            expected=f"at least {least} rows with the outcome and {least} without",
            found=said,
            remedy="give a table that holds both, those who did not buy too, or another --label or --positive",
        )
    raise ConfigError(
        "too few outcomes: no score could be tested on them",
        file=str(file),
        field=field,
        expected=f"at least {least} rows with the outcome and {least} without",
        found=said,
        remedy="wait for more outcomes, or give a longer history",
    )
