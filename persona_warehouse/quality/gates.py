"""What is compared over nights: how much landed, how far the data reach, beside the same weekday of former weeks.

The bounds are the median and the median absolute deviation (Rousseeuw and Croux, 1993) of the same weekday, so that one
bad night neither widens them nor moves them. Until there are enough nights a gate learns, and passes. What a person
knows better stands in the seed gates/gate_overrides.csv.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import duckdb

from persona_warehouse.errors import ConfigError
from persona_warehouse.landing import store
from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.quality.freshness import MOMENTS
from persona_warehouse.quality.history import Key, Past, past_results
from persona_warehouse.quality.results import Result
from persona_warehouse.recognise.vocabulary import SEEDS, rows_of
from persona_warehouse.settings import Settings

OVERRIDES = "gates/gate_overrides"
MEASURES = ("volume", "freshness")
SEVERITIES = ("warning", "critical")
# a median absolute deviation as the standard deviation of a normal distribution
NORMAL = 1.4826
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FACTS = {
    "volume": "as many rows landed as usual on this weekday",
    "freshness": "the data reach as far as usual on this weekday",
}


@dataclass(frozen=True)
class Bounds:
    """What is usual; None: no bound on that side. `because` says where it comes from."""

    low: float | None
    high: float | None
    because: str
    severity: str = "warning"

    def hold(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def judge(settings: Settings, connection: duckdb.DuckDBPyConnection, thresholds: Mapping[str, float]) -> list[Result]:
    """Volume and freshness of every object that has rows, beside former nights of the same weekday.

    Args:
        connection: on the working database.
        thresholds: the seed audit_thresholds.

    Raises:
        ConfigError: a line of the overrides cannot be read.
    """
    overrides = _overrides()
    past = past_results(settings, int(thresholds["gate_history_weeks"]) * 7)
    found = []
    for stream in STREAMS:
        landed = _landed(settings, stream)
        tonight = landed.pop(settings.business_date, None)
        for name in objects(stream):
            if tonight is not None and (name in tonight or any(name in night for night in landed.values())):
                before = [float(night.get(name, 0)) for night in _same_weekday(settings, landed, thresholds)]
                found.append(
                    _result(settings, "volume", stream, name, tonight.get(name, 0), before, overrides, thresholds)
                )
            lag = _lag(settings, connection, stream, name)
            if lag is not None:
                lags = _observed(settings, past, stream, name)
                found.append(_result(settings, "freshness", stream, name, lag, lags, overrides, thresholds))
    return found


def usual(measure: str, values: Iterable[float], thresholds: Mapping[str, float]) -> Bounds:
    """The bounds learnt from former nights: median and so many robust deviations to both sides.

    Of hours only the upper bound counts: data that reach further than usual are no fault.
    """
    known = list(values)
    least = int(thresholds["gate_history_min"])
    if len(known) < least:
        return Bounds(None, None, f"learning: {len(known)} of {least} nights of this weekday")
    median = statistics.median(known)
    deviation = NORMAL * statistics.median(abs(value - median) for value in known)
    if measure == "volume" and median == 0:
        return Bounds(None, None, f"nothing usually lands on this weekday ({len(known)} nights)")
    # counts vary by their root at least
    floor = (
        max(thresholds["gate_spread_share_min"] * median, median**0.5)
        if measure == "volume"
        else thresholds["gate_spread_hours_min"]
    )
    width = thresholds["gate_deviations"] * max(deviation, floor)
    low = max(1.0, median - width) if measure == "volume" else None
    return Bounds(low, median + width, f"median {median:,.0f} of {len(known)} nights of this weekday")


def _result(
    settings: Settings,
    measure: str,
    stream: str,
    name: str,
    value: float,
    before: list[float],
    overrides: dict[tuple[str, str, str, str], tuple[Bounds, date]],
    thresholds: Mapping[str, float],
) -> Result:
    weekday = settings.business_date.isoweekday()
    bounds = usual(measure, before, thresholds)
    for day in (str(weekday), ""):
        override, since = overrides.get((measure, stream, name, day), (None, date.max))
        if override and since <= settings.business_date:
            bounds = override
            break
    holds = bounds.hold(value)
    unit = "rows" if measure == "volume" else "hours before the end of the night's date"
    sides = [
        f"{word} {side:,.0f}" for word, side in (("at least", bounds.low), ("at most", bounds.high)) if side is not None
    ]
    return Result(
        as_of_date=settings.business_date,
        boundary="staging",
        suite=f"stg_{stream}__{name}",
        expectation=FACTS[measure],
        column_name=None,
        severity=bounds.severity,
        success=holds,
        evaluated_count=1,
        unexpected_count=0 if holds else 1,
        unexpected_share=0.0 if holds else 1.0,
        observed_value=f"{value:.10g}",
        reason=f"{' and '.join(sides) or 'no bound yet'} {unit} on a {WEEKDAYS[weekday - 1]}: {bounds.because}.",
        owner="data_engineering",
    )


def _landed(settings: Settings, stream: str) -> dict[date, dict[str, int]]:
    """Business date -> object -> rows that its loads brought; dates with a load alone."""
    found: dict[date, dict[str, int]] = {}
    for load in store.manifests(settings, stream):
        night = found.setdefault(date.fromisoformat(load.business_date), {})
        for file in load.files:
            night[file.object] = night.get(file.object, 0) + file.rows
    return found


def _same_weekday(
    settings: Settings, landed: dict[date, dict[str, int]], thresholds: Mapping[str, float]
) -> list[dict[str, int]]:
    first = settings.business_date - timedelta(weeks=thresholds["gate_history_weeks"])
    return [
        night
        for day, night in sorted(landed.items())
        if first <= day < settings.business_date and day.weekday() == settings.business_date.weekday()
    ]


def _lag(settings: Settings, connection: duckdb.DuckDBPyConnection, stream: str, name: str) -> float | None:
    """Hours from the newest moment of an object to the end of the night's date; None without any moment."""
    moments = [column for column in objects(stream)[name].columns if column in MOMENTS]
    if not moments:
        return None
    end = datetime.combine(settings.business_date + timedelta(days=1), time.min, settings.zone)
    reach = ", ".join(f"max({column}) filter ({column} < $end)" for column in moments)
    ((newest,),) = connection.execute(
        f"select greatest({reach}) from staging.stg_{stream}__{name}", {"end": end}
    ).fetchall()
    return None if newest is None else round((end - newest).total_seconds() / 3600, 1)


def _observed(settings: Settings, past: dict[Key, list[Past]], stream: str, name: str) -> list[float]:
    weekday = settings.business_date.weekday()
    return [
        one.observed
        for one in past.get(("staging", f"stg_{stream}__{name}", FACTS["freshness"]), [])
        if one.observed is not None and one.as_of_date.weekday() == weekday
    ]


def _overrides() -> dict[tuple[str, str, str, str], tuple[Bounds, date]]:
    found: dict[tuple[str, str, str, str], tuple[Bounds, date]] = {}
    for number, row in enumerate(rows_of(OVERRIDES), 1):
        key = (row["measure"], row["stream"], row["object"], row["weekday"])
        found[key] = _override(number, row, key in found)
    return found


def _override(number: int, row: dict[str, str], is_twice: bool) -> tuple[Bounds, date]:
    wrong = None
    known = [f"{stream}.{name}" for stream in STREAMS for name in objects(stream)]
    if row["measure"] not in MEASURES:
        wrong = ("measure", " or ".join(MEASURES), row["measure"])
    elif f"{row['stream']}.{row['object']}" not in known:
        wrong = ("object", "a landing object", f"{row['stream']}.{row['object']}")
    elif row["weekday"] not in ("", *"1234567"):
        wrong = ("weekday", "1 (Monday) to 7, or nothing for every day", row["weekday"])
    elif row["severity"] not in SEVERITIES:
        wrong = ("severity", " or ".join(SEVERITIES), row["severity"])
    elif is_twice:
        wrong = ("object", "one line for a measure, object and weekday", "a second one")
    try:
        sides = [float(row[side]) if row[side] else None for side in ("low", "high")]
        since = date.fromisoformat(row["since"])
    except ValueError:
        wrong = ("low, high, since", "numbers (or nothing) and a date", f"{row['low']}, {row['high']}, {row['since']}")
        sides, since = [None, None], date.max
    if wrong:
        raise ConfigError(
            "a bound of the night's gates cannot be read",
            file=str(SEEDS / f"{OVERRIDES}.csv"), row=number, field=wrong[0], expected=wrong[1], found=wrong[2],
            remedy="correct the line",
        )  # fmt: skip
    said = f"set by {row['author']} on {row['since']}: {row['reason']}"
    return Bounds(sides[0], sides[1], said, row["severity"]), since
