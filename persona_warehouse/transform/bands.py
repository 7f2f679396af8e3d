"""Bands in seeds: two of them that overlap would put one account into both, and double it wherever they are joined."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from persona_warehouse.errors import ConfigError

LOWER, UPPER = "lower_bound", "upper_bound"
Band = tuple[Decimal, Decimal | None, int, str]


def check_bands(seeds: Path) -> None:
    """Reads every seed with a lower and an upper bound, inclusive and exclusive; a row without both is no band.

    Raises:
        ConfigError: a bound is no number, a band ends before it begins, or two overlap; names the file and the lines.
    """
    for file in sorted(seeds.rglob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            if reader.fieldnames is None or not {LOWER, UPPER} <= set(reader.fieldnames):
                continue
            bands = [
                _band(file, reader.line_num, next(iter(row.values())), row)
                for row in reader
                if row[LOWER] or row[UPPER]
            ]
        bands.sort(key=lambda band: (band[0], band[2]))
        for (_, upper, line, name), (lower, _, next_line, next_name) in pairwise(bands):
            end = "has no end" if upper is None else f"ends at {upper}"
            if upper is None or upper > lower:
                raise ConfigError(
                    "bands of a seed overlap",
                    object=file.stem,
                    file=file.name,
                    row=max(line, next_line),
                    field=LOWER,
                    expected=f"a band that begins where the one before it ends: lines {line} ({name}) and"
                    f" {next_line} ({next_name}) share numbers",
                    found=f"line {line} {end}, line {next_line} begins at {lower}",
                    remedy="correct the bounds: lower_bound is inside of a band, upper_bound is not",
                )


def _band(file: Path, line: int, name: str, row: dict[str, str]) -> Band:
    try:
        lower, upper = Decimal(row[LOWER] or "-Infinity"), Decimal(row[UPPER]) if row[UPPER] else None
    except InvalidOperation:
        lower, upper = Decimal("NaN"), None
    if lower.is_nan() or (upper is not None and upper <= lower):
        raise ConfigError(
            "a band of a seed is none",
            object=file.stem,
            file=file.name,
            row=line,
            field=UPPER,
            expected=f"numbers, the upper one above the lower one, for {name}",
            found=f"{row[LOWER]} to {row[UPPER]}",
            remedy="correct the bounds; an empty upper_bound has no end",
        )
    return lower, upper, line, name
