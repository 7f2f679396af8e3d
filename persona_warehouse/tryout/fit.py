"""`persona try fit`: how likely each row of a table of leads is to buy, by what signals, and how good that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.errors import ConfigError
from persona_warehouse.personas.columns import read_columns, read_dates
from persona_warehouse.personas.evaluation import Auc
from persona_warehouse.personas.fit import Fit, Floats, fit
from persona_warehouse.personas.hindsight import Judgement, Verdict
from persona_warehouse.personas.outcomes import Outcomes, read_outcomes
from persona_warehouse.personas.points import NOT_KNOWN, POINTS, Signal
from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.tryout.tables import choose_column

# so many signals of a row are named; the others are summed up
NAMED_SIGNALS = 3
NAMED_COLUMNS = 3


@dataclass(frozen=True)
class Tried:
    """What was found.

    Attributes:
        columns: beside the input, a value for each row.
        points: the score's points, one row per signal and value.
    """

    fit: Fit
    outcomes: Outcomes
    columns: dict[str, pa.Array]
    points: pa.Table


def try_fit(
    table: pa.Table,
    file: Path,
    label: str,
    *,
    time: str | None = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
    positive: Sequence[str] = (),
) -> Tried:
    """Fits and tests a score on a table of texts.

    Raises:
        ConfigError: no such column, times that cannot be read, outcomes that are not clear, all the same or too few.
    """
    label = choose_column(table, label, (), file, option="--label")
    time = choose_column(table, time, (), file, option="--time") if time is not None else None
    exclude = [choose_column(table, each, (), file, option="--exclude") for each in exclude]
    keep = [choose_column(table, each, (), file, option="--keep") for each in keep]
    outcomes = read_outcomes(table[label], label, file, positive)
    times = read_dates(table[time], time) if time is not None else None
    if times is not None and not np.isfinite(times[outcomes.is_known]).any():
        raise ConfigError(
            "no time can be read",
            file=str(file),
            field=time,
            expected="days or times such as 2026-05-31, 5/31/2026 or 2026年5月31日",
            found="other texts, or blanks",
            remedy="give another --time, or none",
        )
    facts = table.drop_columns([name for name in (label, time) if name is not None])
    found = fit(read_columns(facts), outcomes.is_known, outcomes.is_won, times=times, exclude=exclude, keep=keep)
    return Tried(found, outcomes, _beside(facts, found), _points_table(found))


def _beside(facts: pa.Table, found: Fit) -> dict[str, pa.Array]:
    rows = np.arange(facts.num_rows)
    parts = np.round(found.points.contributions(found.made, rows) * POINTS, 1)
    base = round(found.points.base * POINTS, 1)
    score = np.round(base + parts.sum(axis=1), 1)
    tested = np.full(len(rows), np.nan)
    tested[found.test.rows] = found.test.probability
    place = np.empty(len(rows), dtype=np.int64)
    place[np.argsort(-score, kind="stable")] = np.arange(len(rows))
    return {
        "fit_score": pa.array(score),
        "fit_probability": pa.array(np.round(found.points.probability(found.made, rows), 4)),
        "fit_decile": pa.array(place * 10 // len(rows) + 1),
        "fit_signals": pa.array(_signals_of_rows(facts, found, parts, base).tolist(), pa.string()),
        "fit_tested_probability": pa.array(np.round(tested, 4), from_pandas=True),
    }


def _signals_of_rows(facts: pa.Table, found: Fit, parts: Floats, base: float) -> Any:
    """For each row its strongest signals with their points; all of them and the base give the score."""
    texts = np.full(len(parts), "", dtype=object)
    if found.points.signals:
        order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :NAMED_SIGNALS]
        names = [signal.name for signal in found.points.signals]
        for place in range(order.shape[1]):
            for number, name in enumerate(names):
                at = np.flatnonzero(order[:, place] == number)
                if len(at):
                    values = pc.fill_null(facts[name].combine_chunks().take(pa.array(at)), NOT_KNOWN)
                    told = np.char.mod("%+.1f", parts[at, number]).astype(object)
                    texts[at] += f"{name} = " + values.to_numpy(zero_copy_only=False) + " " + told + "; "
        rest = parts.sum(axis=1) - np.take_along_axis(parts, order, axis=1).sum(axis=1)
        if len(names) > order.shape[1]:
            texts += np.char.mod("others %+.1f; ", np.round(rest, 1) + 0.0).astype(object)
    return texts + f"base {base:+.1f}"


def _points_table(found: Fit) -> pa.Table:
    rows: list[tuple[str, str, str, float]] = []
    for signal in found.points.signals:
        kind = "at" if signal.encoder.knots is not None else "is"
        rows += [
            (signal.name, "is" if label == NOT_KNOWN else kind, label, round(float(value) * POINTS, 1))
            for label, value in zip(signal.encoder.labels, signal.log_odds, strict=True)
        ]
    rows.append(("(base)", "is", "every row", round(found.points.base * POINTS, 1)))
    names = ("signal", "test", "value", "points")
    return pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)})


def strength(signal: Signal, found: Fit) -> tuple[float, str, str]:
    """How far a signal moves scores (deviation of its points over all rows), and its best and worst value."""
    at = [one.name for one in found.points.signals].index(signal.name)
    moved = found.points.contributions(found.made, np.arange(len(found.made.matrix)))[:, at]

    def said(place: int) -> str:
        return f"{signal.encoder.labels[place]} {signal.log_odds[place] * POINTS:+.0f}"

    return float(moved.std() * POINTS), said(int(np.argmax(signal.log_odds))), said(int(np.argmin(signal.log_odds)))


def as_json(tried: Tried, label: str, time: str | None) -> bytes:
    """All figures, for programs."""
    found, test = tried.fit, tried.fit.test
    figures = [each for each in (test.model, test.constant, test.by_hand) if each is not None]
    told = {
        "label": label,
        "time": time,
        "outcomes": {
            "with": found.positives,
            "without": found.negatives,
            "open_or_blank": int((~tried.outcomes.is_known).sum()),
            "values_with": tried.outcomes.won,
            "values_without": tried.outcomes.lost,
            "values_open": tried.outcomes.open,
        },
        "test": {
            "method": test.method,
            "rows": len(test.rows),
            "scores": [asdict(each) for each in figures],
            "rules_by_hand": test.by_hand_rules,
            "beats_constant": found.beats_constant,
            "beats_points_table_by_hand": found.beats_by_hand,
            "deciles": [asdict(group) for group in test.tenths],
            "calibration": asdict(test.calibration) | {"is_good": test.calibration.is_good},
            "auc_with_suspected": None if test.with_suspected is None else asdict(test.with_suspected),
        },
        "signals": [
            dict(zip(("signal", "strength", "best", "worst"), (each.name, *strength(each, found)), strict=True))
            for each in found.points.signals
        ],
        "columns": [asdict(judgement) for judgement in found.judgements],
        "warnings": found.warnings,
        "cannot_be_known": unknowable(tried, time),
    }
    return json.dumps(told, ensure_ascii=False, indent=2).encode()


def unknowable(tried: Tried, time: str | None) -> list[str]:
    """What no method can tell from this table, whatever the figures are."""
    judged = {judgement.column: judgement for judgement in tried.fit.judgements}
    used = [judgement for judgement in tried.fit.judgements if judgement.is_used]
    telling = sorted(
        (signal.name for signal in tried.fit.points.signals), key=lambda name: -(judged[name].alone or 0.0)
    )[:NAMED_COLUMNS]
    said = []
    if telling:
        said.append(
            "when a column was filled in: a table has no moments of its values. Ask it of those that tell most: "
            + ", ".join(telling)
        )
    if time is None:
        said.append("whether the score holds for later rows: no --time was given, rows were tested at random")
    if len(used) <= threshold("outdone_columns"):
        said.append(f"whether a column tells too much: only {len(used)} are used, there are hardly others beside it")
    return said


def spoken(value: Auc) -> str:
    """A figure with its interval."""
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def left_out(found: Fit) -> list[Judgement]:
    """The columns that are not used, the gravest first."""
    order = [Verdict.LEAK, Verdict.SUSPECTED, Verdict.EXCLUDED, Verdict.UNUSABLE]
    return sorted((j for j in found.judgements if j.verdict in order), key=lambda j: order.index(j.verdict))


__all__ = ["Tried", "as_json", "left_out", "spoken", "strength", "try_fit"]
