"""The bounds of the audit that people may want to change: a seed, not constants."""

from __future__ import annotations

import csv
from collections import UserDict
from pathlib import Path

from persona_warehouse.errors import ConfigError


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
