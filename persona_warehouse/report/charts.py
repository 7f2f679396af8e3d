"""Charts as SVG, drawn while the report is written: the pages need no script for them and keep their own colours.

The drawing is Vega-Lite's (vl-convert carries it); a specification says what stands where. Colours are variables of the
style sheet, so one drawing serves light, dark and paper. Every chart has its table beside it, which is what a screen
reader reads: the drawing itself is hidden from it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import vl_convert
from markupsafe import Markup

Row = Mapping[str, Any]
WIDTH = 560  # pixels; the style sheet lets a drawing shrink with its column
HEATS = [f"var(--heat{step})" for step in range(1, 6)]
CONFIG = {
    # letters are measured in another font than the reader's: room at the edges, or names lose their ends
    "padding": {"left": 28, "right": 44, "top": 4, "bottom": 4},
    "font": "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--ink)", "titleColor": "var(--soft)", "gridColor": "var(--line)",
        "domainColor": "var(--line)", "tickColor": "var(--line)", "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "labelLimit": 200,
    },
    "text": {"color": "var(--ink)", "fontSize": 12},
    "legend": {"labelColor": "var(--ink)", "titleColor": "var(--soft)", "labelFontSize": 12, "orient": "top"},
    "header": {"labelColor": "var(--ink)", "titleColor": "var(--soft)", "labelFontSize": 12},
}  # fmt: skip


def draw(specification: Mapping[str, Any]) -> Markup:
    """The SVG of a Vega-Lite specification.

    Raises:
        ValueError: Vega-Lite does not understand it.
    """
    whole = {"config": CONFIG, **specification}
    drawing = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    # inside HTML a drawing needs no namespaces; the width is the style sheet's affair
    inline = re.sub(r' xmlns(:xlink)?="[^"]*"', "", drawing, count=2)
    return Markup(  # noqa: S704 - vl-convert escapes the texts, tests/report/test_sections.py holds it to that
        inline.replace('class="marks"', 'class="drawing" aria-hidden="true" focusable="false"', 1)
    )


def bars(rows: Sequence[Row], label: str, value: str, title: str, number_format: str = ",") -> dict[str, Any]:
    """A bar a row, in the order given, its number at its end."""
    position = _names(rows, label)
    measure = {"field": value, "type": "quantitative", "title": title}
    return {
        "data": {"values": list(rows)},
        "width": WIDTH - 180,
        "height": {"step": 26},
        "encoding": {"y": position, "x": {**measure, "axis": {"grid": False, "ticks": False, "labels": False}}},
        "layer": [
            {"mark": {"type": "bar", "color": "var(--accent)", "height": {"band": 0.62}, "cornerRadiusEnd": 3}},
            {
                "mark": {"type": "text", "align": "left", "dx": 6},
                "encoding": {"text": {"field": value, "type": "quantitative", "format": number_format}},
            },
        ],
    }


def intervals(
    rows: Sequence[Row], label: str, value: str, low: str, high: str, title: str,
    number_format: str = ".0%", reference: float | None = None, group: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A dot a row with its interval; a dashed line at `reference`."""
    position = _names(rows, label)
    axis = {"format": number_format, "tickCount": 6}
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.45, "color": "var(--accent)"},
            "encoding": {
                "x": {"field": low, "type": "quantitative", "title": title, "axis": axis},
                "x2": {"field": high},
            },
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "color": "var(--accent)"},
            "encoding": {"x": {"field": value, "type": "quantitative"}},
        },
    ]
    if group:
        colour = _two_colours(rows, group)
        for each in layer:
            each["encoding"] |= {"color": colour, "yOffset": {"field": group, "type": "nominal"}}
    if reference is not None:
        layer.append(
            {
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "var(--soft)"},
                "encoding": {
                    "x": {"datum": reference, "type": "quantitative"},
                    "y": {"value": 0},
                    "y2": {"value": "height"},
                },
            }
        )
    return {
        "data": {"values": list(rows)},
        "width": WIDTH - 180,
        "height": {"step": 40 if group else 26},
        "encoding": {"y": position},
        "layer": layer,
    }


def heat(rows: Sequence[Row], x: str, y: str, value: str, number_format: str = ",") -> dict[str, Any]:
    """A field of cells, the deeper the more; a cell without a row stays empty."""
    return {
        "data": {"values": list(rows)},
        "width": {"step": 62},
        "height": {"step": 30},
        "encoding": {
            "x": {
                **_names(rows, x),
                "axis": {"orient": "top", "labelAngle": -35, "ticks": False, "domain": False, "title": None},
            },
            "y": {**_names(rows, y), "axis": {"ticks": False, "domain": False, "title": None}},
        },
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3, "width": {"band": 0.94}, "height": {"band": 0.9}},
                "encoding": {"color": _heat(value)},
            },
            {"mark": "text", "encoding": {"text": {"field": value, "type": "quantitative", "format": number_format}}},
        ],
    }


def tiles(rows: Sequence[Row], code: str, value: str, language: str) -> dict[str, Any]:
    """China as a tile a province, each where one would look for it: small provinces stay as legible as large ones."""
    known = {str(row[code]): row[value] for row in rows}
    places = [
        {
            "name": place[language], "row": int(place["row"]), "column": int(place["column"]),
            "value": known.get(place["province_code"]),
        }
        for place in _places()
    ]  # fmt: skip
    axis = {"axis": None, "scale": {"paddingInner": 0.06}}
    lettering = 11 if language == "zh" else 9
    return {
        "data": {"values": places},
        "width": {"step": 62},
        "height": {"step": 46},
        "encoding": {
            "x": {"field": "column", "type": "ordinal", **axis},
            "y": {"field": "row", "type": "ordinal", **axis},
        },
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 4, "stroke": "var(--line)", "invalid": None},
                "encoding": {
                    "color": {
                        "condition": {"test": "datum.value == null", "value": "var(--track)"},
                        **_heat("value"),
                    }
                },
            },
            {"mark": {"type": "text", "dy": -8, "fontSize": lettering}, "encoding": {"text": {"field": "name"}}},
            {
                "transform": [{"filter": "datum.value != null"}],
                "mark": {"type": "text", "dy": 9, "fontWeight": 600},
                "encoding": {"text": {"field": "value", "type": "quantitative", "format": ","}},
            },
        ],
    }


def scatter(
    rows: Sequence[Row], x: str, y: str, label: str, x_title: str, y_title: str, size: str | None = None
) -> dict[str, Any]:
    """A point a row, named; lines at zero where the field crosses it."""
    point: dict[str, Any] = {
        "mark": {"type": "point", "filled": True, "opacity": 0.75, "color": "var(--accent)", "size": 140},
        "encoding": {},
    }
    if size:
        point["encoding"]["size"] = {
            "field": size, "type": "quantitative", "legend": None, "scale": {"range": [80, 600], "zero": True},
        }  # fmt: skip
    return {
        "data": {"values": list(rows)},
        "width": WIDTH - 120,
        "height": 320,
        "encoding": {
            "x": {"field": x, "type": "quantitative", "title": x_title, "scale": {"zero": True, "padding": 24}},
            "y": {"field": y, "type": "quantitative", "title": y_title, "scale": {"zero": True, "padding": 18}},
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": "var(--soft)"},
                "encoding": {"x": {"datum": 0, "type": "quantitative"}, "y": {"value": 0}, "y2": {"value": "height"}},
            },
            point,
            {"mark": {"type": "text", "dy": -15}, "encoding": {"text": {"field": label}}},
        ],
    }  # fmt: skip


def lines(rows: Sequence[Row], day: str, value: str, label: str, target: str | None = None) -> dict[str, Any]:
    """Small charts over time, one a label, each with its own scale: their shapes are compared, not their heights."""
    layer: list[dict[str, Any]] = [
        {
            "mark": {"type": "line", "color": "var(--accent)", "strokeWidth": 1.6},
            "encoding": {
                "x": {
                    "field": day,
                    "type": "temporal",
                    "title": None,
                    "axis": {"format": "%m-%d", "tickCount": 3, "grid": False},
                },
                "y": {"field": value, "type": "quantitative", "title": None, "axis": {"tickCount": 3, "format": "~s"}},
            },
        }
    ]
    if target:
        layer.append(
            {
                "mark": {"type": "line", "color": "var(--soft)", "strokeDash": [4, 4]},
                "encoding": {"x": {"field": day, "type": "temporal"}, "y": {"field": target, "type": "quantitative"}},
            }
        )
    names = _names(rows, label)
    return {
        "data": {"values": list(rows)},
        "facet": {"field": label, "type": "nominal", "title": None, "sort": names["sort"]},
        "columns": 3,
        "spec": {"width": 230, "height": 90, "layer": layer},
        "resolve": {"scale": {"y": "independent"}},
    }


def _names(rows: Sequence[Row], field: str) -> dict[str, Any]:
    """An axis of names, in the order in which the rows bring them."""
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "sort": list(dict.fromkeys(str(row[field]) for row in rows)),
        "axis": {"ticks": False, "domain": False, "labelPadding": 8},
    }


def _heat(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "legend": None, "scale": {"type": "quantize", "range": HEATS}}


def _two_colours(rows: Sequence[Row], group: str) -> dict[str, Any]:
    names = list(dict.fromkeys(str(row[group]) for row in rows))
    return {
        "field": group, "type": "nominal", "title": None,
        "scale": {"domain": names, "range": ["var(--accent)", "var(--apart)"]},
    }  # fmt: skip


@lru_cache(maxsize=1)
def _places() -> list[dict[str, str]]:
    text = files(__package__).joinpath("china_tiles.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
