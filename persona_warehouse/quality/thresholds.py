"""The bounds of the audit that people may want to change: a seed, not constants."""

from __future__ import annotations

import csv
from collections import UserDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from persona_warehouse.errors import ConfigError
from persona_warehouse.recognise.vocabulary import read_rows


@dataclass(frozen=True)
class RejectRate:
    """How many rows of an object may be rejected: a share, judged from `min_rows` rows on, and why."""

    at_most: float
    min_rows: float
    reason: str


class Bounds(UserDict[str, float]):
    """Thresholds by name; a name that the seed lacks is a configuration error that names the seed."""

    def __init__(self, values: dict[str, float], file: Path) -> None:
        super().__init__(values)
        self.file = file

    def __missing__(self, name: str) -> float:
        raise ConfigError(
            "the audit needs a threshold that is not set",
            file=self.file.name,
            field="threshold",
            expected=name,
            remedy=f"add a row for {name} to {self.file.name}",
        )


def load_bounds(file: Path) -> Bounds:
    """The thresholds of a seed with the columns threshold, value, unit, reason, since.

    Raises:
        ConfigError: the file is missing, or a value is no number, or a name stands twice.
    """
    if not file.exists():
        raise ConfigError(
            "the thresholds of the audit are missing",
            file=str(file),
            expected="a CSV file with the columns threshold, value, unit, reason, since",
            remedy="restore the seed",
        )
    values: dict[str, float] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=1):
            name, text = row.get("threshold") or "", row.get("value") or ""
            try:
                value = float(text)
            except ValueError as error:
                raise ConfigError(
                    "a threshold of the audit is no number",
                    file=file.name,
                    row=number,
                    field="value",
                    expected="a number such as 0.2",
                    found=repr(text),
                    remedy=f"correct the value of {name or 'the row'}",
                ) from error
            if not name or name in values:
                raise ConfigError(
                    "a threshold of the audit has no name or stands twice",
                    file=file.name,
                    row=number,
                    field="threshold",
                    found=repr(name),
                    remedy="give every threshold one row",
                )
            values[name] = value
    return Bounds(values, file)


def load_reject_rates(file: Path) -> Callable[[str, str], RejectRate]:
    """The reject rates of a seed with the columns stream, object, at_most, min_rows, reason, since.

    Returns:
        a function of stream and object: the object's own line, else that of `*`.

    Raises:
        ConfigError: the file is missing, a number is none, or an object has two lines; later, an object has none.
    """
    rates: dict[tuple[str, str], RejectRate] = {}
    for number, row in enumerate(read_rows(file), 1):
        key = (row["stream"], row["object"])
        try:
            rate = RejectRate(float(row["at_most"]), float(row["min_rows"]), row["reason"])
            is_share = 0 <= rate.at_most <= 1
        except ValueError:
            is_share = False
        if not is_share or key in rates:
            raise ConfigError(
                "a reject rate cannot be read, or stands twice",
                file=file.name,
                row=number,
                field="at_most",
                expected="a share from 0 to 1, a number of rows, and one line for an object",
                found=f"{row['at_most']}, {row['min_rows']} for {'.'.join(key)}",
                remedy="correct the line",
            )
        rates[key] = rate

    def of(stream: str, name: str) -> RejectRate:
        found = rates.get((stream, name)) or rates.get((stream, "*"))
        if found is None:
            raise ConfigError(
                "an object has no reject rate",
                file=file.name,
                field="stream, object",
                expected=f"a line for {stream}.{name}, or for {stream} and `*`",
                remedy="add the line",
            )
        return found

    return of
