"""`python -m bench.plots`: draws what the newest `growth` in bench/history/ measured, into docs/images/."""

from __future__ import annotations

import json
import re
from typing import Any

import vl_convert
from scipy import stats

from bench.stage import ROOT

HISTORY, IMAGES = ROOT / "bench" / "history", ROOT / "docs" / "images"
NIGHT = re.compile(r"night (\d+)")


def main() -> None:
    nights = _newest_growth()
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "growth.svg").write_text(vl_convert.vegalite_to_svg(_drawing(nights), allowed_base_urls=[]))
    for measure in ("cpu", "wall"):
        # the first night builds everything and is no part of the trend
        trend = stats.linregress([n["night"] for n in nights[1:]], [n[measure] for n in nights[1:]])
        half = stats.t.ppf(0.975, len(nights) - 3) * trend.stderr
        print(f"{measure}: {trend.slope:+.2f} s a night (95 %: {trend.slope - half:+.2f} to {trend.slope + half:+.2f})")
    print(f"{IMAGES / 'growth.svg'}")


def _newest_growth() -> list[dict[str, Any]]:
    for file in sorted(HISTORY.glob("*.json"), reverse=True):
        stages = json.loads(file.read_text(encoding="utf-8"))["stages"]
        nights = [(NIGHT.fullmatch(one["name"]), one["ours"]) for one in stages]
        found = [
            {"night": int(name[1]), "wall": ours["wall"], "cpu": ours["cpu"], "landing": ours["more"]["landing_mb"]}
            for name, ours in nights
            if name
        ]
        if len(found) > 2:
            return found
    raise SystemExit("no growth in bench/history/: python -m bench growth")


def _drawing(nights: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds of each night over how much has landed by then."""
    times = [
        {"night": one["night"], "seconds": one[measure], "measure": words}
        for one in nights
        for measure, words in (("wall", "by the clock"), ("cpu", "of the processor"))
    ]
    night = {"field": "night", "type": "quantitative", "title": "night"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "vconcat": [
            {
                "width": 560, "height": 180, "data": {"values": times},
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "x": night,
                    "y": {"field": "seconds", "type": "quantitative", "title": "seconds of the night"},
                    "color": {"field": "measure", "type": "nominal", "title": None},
                },
            },
            {
                "width": 560, "height": 90, "data": {"values": nights},
                "mark": {"type": "area", "opacity": 0.5},
                "encoding": {
                    "x": night,
                    "y": {"field": "landing", "type": "quantitative", "title": "landed, MB"},
                },
            },
        ],
    }  # fmt: skip


if __name__ == "__main__":
    main()
