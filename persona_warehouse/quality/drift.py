"""Whether the mix of values in key columns is that of four weeks ago: the population stability index.

The index is the symmetrised Kullback-Leibler divergence of two mixes, Σ (p - q) ln(p / q) (Siddiqi, Credit Risk
Scorecards, 2006). Of two samples of the same mix it is (1/n + 1/m) times a chi-square with one degree of freedom less
than there are values (Yurdakul, 2018): small tables drift by chance, and are judged by that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import duckdb
from scipy.stats import chi2

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import read_json, write_json
from persona_warehouse.quality.history import past_files
from persona_warehouse.quality.results import Boundary, Result, audit_folder
from persona_warehouse.recognise.vocabulary import SEEDS, rows_of
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier

SEED = "gates/drift_columns"
FILE = "distributions.json"
OTHERS = "others"
MISSING = "(none)"
# a number counts by the power of two that it reaches: bins that no other night moves
BINS = {
    "category": "cast({column} as varchar)",
    "number": "case when {column} <= 0 then '0 or less' else '2^' || cast(floor(log2({column})) as integer) end",
}

Mix = dict[str, int]


def judge(
    settings: Settings, connection: duckdb.DuckDBPyConnection, boundary: Boundary, thresholds: Mapping[str, float]
) -> list[Result]:
    """Counts the watched columns of a boundary, keeps the counts with the night's audit, and compares.

    Raises:
        ConfigError: a line of the seed names no column of the warehouse, or no known kind.
    """
    counted: dict[str, Mix] = {}
    found = []
    before = past_files(settings, int(thresholds["drift_reference_days"]), FILE)
    for number, row in enumerate(rows_of(SEED), 1):
        schema, _, table = row["table"].partition(".")
        if schema != boundary:
            continue
        name = f"{row['table']}.{row['column']}"
        counted[name] = _count(connection, number, row)
        reference, since = {}, ""
        for file in before:
            reference, since = read_json(file).get(name, {}), file.parent.name
            if reference:
                break
        found.append(_result(settings, boundary, table, row, counted[name], reference, since, thresholds))
    file = audit_folder(settings) / FILE
    others = read_json(file) if file.exists() else {}
    write_json(file, dict(sorted((others | counted).items())))
    return found


def stability_index(now: Mix, before: Mix, share_min: float = 0.0) -> tuple[float, int]:
    """The population stability index of two mixes, and the number of values that were compared.

    Half a row is added to every value, so that one that is new, or gone, has a logarithm.

    Args:
        share_min: values that are rarer in both count together.
    """
    n, m = sum(now.values()), sum(before.values())
    rare = {value for value in {*now, *before} if max(now.get(value, 0) / n, before.get(value, 0) / m) < share_min}
    merged: list[Mix] = [{}, {}]
    for target, mix in zip(merged, (now, before), strict=True):
        for value, rows in mix.items():
            key = OTHERS if value in rare else value
            target[key] = target.get(key, 0) + rows
    values = sorted({*merged[0], *merged[1]})
    size = 0.5 * len(values)
    total = 0.0
    for value in values:
        p = (merged[0].get(value, 0) + 0.5) / (n + size)
        q = (merged[1].get(value, 0) + 0.5) / (m + size)
        total += (p - q) * math.log(p / q)
    return total, len(values)


def _count(connection: duckdb.DuckDBPyConnection, number: int, row: dict[str, str]) -> Mix:
    if row["kind"] not in BINS:
        raise _wrong(number, "kind", " or ".join(BINS), row["kind"])
    schema, _, table = row["table"].partition(".")
    value = BINS[row["kind"]].format(column=identifier(row["column"]))
    try:
        counted = connection.execute(
            f"select coalesce({value}, '{MISSING}') as value, count(*) from {identifier(schema)}.{identifier(table)}"
            " group by 1 order by 1"
        ).fetchall()
    except duckdb.Error as error:
        found = f"{row['table']}.{row['column']}"
        raise _wrong(number, "column", "a column of the warehouse", found) from error
    return {str(value): int(rows) for value, rows in counted}


def _result(
    settings: Settings,
    boundary: Boundary,
    table: str,
    row: dict[str, str],
    now: Mix,
    before: Mix,
    since: str,
    thresholds: Mapping[str, float],
) -> Result:
    n, m = sum(now.values()), sum(before.values())
    index, said, holds = 0.0, "learning: no former night to compare with", True
    if before and min(n, m) < float(row["min_rows"]):
        said = f"not judged: {n:,} rows now and {m:,} on {since}, fewer than {float(row['min_rows']):,.0f}"
    elif before:
        index, values = stability_index(now, before, thresholds["drift_category_share_min"])
        chance = float(chi2.isf(thresholds["drift_chance"], max(values - 1, 1))) * (1 / n + 1 / m)
        bound = max(float(row["at_most"]), chance)
        holds = index <= bound
        said = f"at most {bound:.3f} beside {since}, {n:,} and {m:,} rows, {values} values"
    return Result(
        as_of_date=settings.business_date,
        boundary=boundary,
        suite=table,
        expectation=f"the mix of {row['column']} is that of four weeks ago",
        column_name=row["column"],
        severity="warning",
        success=holds,
        evaluated_count=n,
        unexpected_count=0 if holds else 1,
        unexpected_share=None if not n else 0.0 if holds else 1 / n,
        observed_value=f"{index:.4f}",
        reason=f"Population stability index {index:.3f}: {said}. {row['reason'][:1].upper()}{row['reason'][1:]}.",
        owner=row["owner"],
    )


def _wrong(number: int, field: str, expected: str, found: str) -> ConfigError:
    return ConfigError(
        "a column that is watched for drift cannot be read",
        file=str(SEEDS / f"{SEED}.csv"), row=number, field=field, expected=expected, found=found,
        remedy="correct the line",
    )  # fmt: skip
