"""What ops read in the morning: each expectation with its history, and of what does not hold the rest of the story.

Since when it fails, where the rows are (a file and row number, or an id: never a value), whose it is, which marts it
touches by dbt's lineage, and what to do. The page and `persona quality` show the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from persona_warehouse.files import read_json
from persona_warehouse.quality.history import Past, past_results
from persona_warehouse.quality.results import Result, audit_folder
from persona_warehouse.settings import Settings

SEVERITIES = ("critical", "warning", "info")
SHOWN_NIGHTS = 90
PLACES = "places.json"
BLOCKS = "▁▂▃▄▅▆▇█"
# severity -> what to do, in Chinese and English
TO_DO = {
    "critical": (
        "什么也没有发布,读者仍看到上一个版本。请负责人在源头修正,然后再运行一次",
        "nothing was published, readers have the release before: have the owner mend the source, run the night again",
    ),
    "warning": (
        "已发布。请负责人在源头修正;若情况属实,在种子表里改界限并写明理由",
        "published: have the owner mend the source; if the data are right, change the bound in its seed, and say why",
    ),
    "info": ("已发布,供核对数字时参考", "published: worth knowing when a number surprises"),
}


@dataclass(frozen=True)
class Finding:
    """An expectation of the night and what is known beside its result.

    Attributes:
        past: former nights, oldest first; this night is not among them.
        marts: the marts that are built from its table, the table itself if it is one.
        places: where the first broken rows are.
    """

    result: Result
    past: tuple[Past, ...]
    marts: tuple[str, ...]
    places: tuple[str, ...]

    @cached_property
    def since(self) -> date:
        """The first night of the failures that reach to this one."""
        first = self.result.as_of_date
        for night in reversed(self.past):
            if night.success:
                break
            first = night.as_of_date
        return first

    @property
    def nights(self) -> int:
        """How many nights in a row it has failed, this one among them."""
        return 1 + sum(night.as_of_date >= self.since for night in self.past)

    @cached_property
    def series(self) -> list[tuple[float, bool]]:
        """Observed value and whether it held, of every night known, this one last."""
        nights = [(night.observed, night.success) for night in self.past]
        return [(value or 0.0, held) for value, held in [*nights, (_number(self.result), self.result.success)]]

    @property
    def to_do(self) -> tuple[str, str]:
        return TO_DO[self.result.severity]


def findings(settings: Settings, results: Iterable[Result]) -> list[Finding]:
    """The results of a night, each with its history; those that do not hold come first, the worst before the others."""
    past = past_results(settings, SHOWN_NIGHTS)
    marts = marts_of_tables(settings)
    file = audit_folder(settings) / PLACES
    places = read_json(file) if file.exists() else {}
    found = [
        Finding(
            one,
            tuple(past.get((one.boundary, one.suite, one.expectation), ())),
            marts.get(one.suite, ()),
            tuple(places.get(one.boundary, {}).get(one.suite, {}).get(one.expectation, ())),
        )
        for one in results
    ]
    return sorted(
        found,
        key=lambda one: (one.result.success, SEVERITIES.index(one.result.severity), one.result.boundary != "marts"),
    )


def marts_of_tables(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Table -> the marts that are built from it, by dbt's manifest; empty before the first build."""
    file = settings.home / "dbt_target" / "manifest.json"
    if not file.exists():
        return {}
    manifest = read_json(file)
    return lineage(manifest["nodes"], manifest["child_map"])


def lineage(nodes: Mapping[str, Any], children: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Model -> the marts at or below it."""
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    below: dict[str, frozenset[str]] = {}

    def of(key: str) -> frozenset[str]:
        if key not in below:
            below[key] = frozenset().union(*(of(child) for child in children.get(key, ()) if child in models))
            if models[key]["schema"] == "marts":
                below[key] |= {models[key]["alias"]}
        return below[key]

    return {node["name"]: tuple(sorted(of(key))) for key, node in models.items()}


def sparkline(series: list[tuple[float, bool]], width: int = 180, height: int = 28) -> str:
    """A history as inline SVG: a line over the nights, a dot on each that did not hold."""
    top = max((value for value, _ in series), default=0.0) or 1.0
    low = min(0.0, *(value for value, _ in series)) if series else 0.0
    step = (width - 8) / max(len(series) - 1, 1)
    points = [
        (4 + step * at, height - 4 - (height - 8) * (value - low) / (top - low), held)
        for at, (value, held) in enumerate(series)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>' for x, y, held in points if not held)
    last = f"{series[-1][0]:g}" if series else ""
    return (
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{len(series)} nights; last {last}"><polyline points="{line}"/>{dots}</svg>'
    )


def blocks(series: list[tuple[float, bool]], nights: int = 30) -> str:
    """The end of a history for a terminal."""
    values = [value for value, _ in series[-nights:]]
    top = max(values, default=0.0) or 1.0
    return "".join(BLOCKS[round(max(value, 0.0) / top * (len(BLOCKS) - 1))] for value in values)


def _number(result: Result) -> float:
    try:
        return float(result.observed_value)
    except ValueError:
        return float(result.unexpected_count)
