"""What a page of the report is made of: sections, each a question to the marts with its table, and often its chart.

A page is a declaration (`pages/`): queries and kinds of columns stand there, words in words/, looks in templates/.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from persona_warehouse.report.release_tables import ReleaseTables
from persona_warehouse.report.texts import NOTHING, Language

Rows = list[dict[str, Any]]
# rows, the language of the page -> a Vega-Lite specification, or None where the rows are too few to draw
Chart = Callable[[Rows, Language], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Column:
    """A column of a section's table: `name` is its field and, under `headers`, its heading.

    Attributes:
        kind: text, label (its words are looked up in `group`, or in `values.<name>`), list (labels between
            separators), p (of a test), count, money, share, number, days, day, flag, interval (of `low` and `high`:
            shares, or numbers by `unit`).
        n: field that holds how many a share is of; shown behind it.
        words: field per language for texts that the marts carry in both: {"zh": "name_zh", "en": "name_en"}.
        field: the field, where its heading has another name.
        separator: between the labels of a list.
    """

    name: str
    kind: str = "text"
    group: str = ""
    n: str = ""
    low: str = ""
    high: str = ""
    unit: str = "share"
    words: Mapping[str, str] | None = None
    field: str = ""
    separator: str = ","

    @property
    def source(self) -> str:
        """The field that its value stands in."""
        return self.field or self.name

    @property
    def is_number(self) -> bool:
        return self.kind in ("count", "money", "share", "number", "p", "days", "interval")

    @property
    def labels(self) -> str:
        """The group of words in which its values are looked up."""
        return self.group or f"values.{self.name}"

    def cell(self, row: Mapping[str, Any], language: Language) -> Markup:
        """What the table shows of a row."""
        if self.kind == "interval":
            return _interval(row[self.low], row[self.high], self.unit, language)
        value = row[self.words[language.code] if self.words else self.source]
        if value is None or value == "":
            return NOTHING
        if self.kind == "label":
            return language.label(self.labels, str(value))
        if self.kind == "list":
            return language.join(
                [language.label(self.labels, each.strip()) for each in str(value).split(self.separator)]
            )
        if self.kind == "count":
            return language.number(int(value))
        if self.kind == "money":
            return language.money(Decimal(value))
        if self.kind == "share":
            return self._of(language.proportion(float(value)), row, language)
        if self.kind == "number":
            return language.decimal(float(value))
        if self.kind == "p":
            return escape("<0.001" if value < 0.001 else f"{value:.3f}")
        if self.kind == "days":
            return self._of(language.decimal(float(value), 0), row, language)
        if self.kind == "day":
            return language.day(
                value.date() if isinstance(value, datetime) else value if isinstance(value, date) else None
            )
        if self.kind == "flag":
            return language.t("format.yes" if value else "format.no")
        return escape(str(value))

    def _of(self, shown: Markup, row: Mapping[str, Any], language: Language) -> Markup:
        """A value with how many it is of, where that is known."""
        if not self.n or row[self.n] is None:
            return shown
        return language.t("format.of", value=shown, n=language.exact(int(row[self.n])))


# of a rate whose query calls its ends so
RATE_INTERVAL = Column("rate_interval", "interval", low="rate_low", high="rate_high")


@dataclass(frozen=True)
class Section:
    """A question to one mart.

    Attributes:
        first_rows: so many rows are seen at once; the others wait behind "show all".
        name: its place in the page's address and, under `sections`, its title, lead and, where they exist, note.
        table: `schema.table` that must be in the release; the query may join others of the same release.
        sql: the rows, in the order in which they are shown.
        is_cards: each row is a card: its first column the heading, the second a text, the others facts.
        chart: draws the rows, or those of `drawn`, a query of its own where a drawing needs more than a table bears.
    """

    name: str
    table: str
    sql: str
    columns: tuple[Column, ...]
    chart: Chart | None = None
    drawn: str = ""
    first_rows: int = 8
    is_cards: bool = False


@dataclass(frozen=True)
class Page:
    """A file of the report; `name` is its file name and, under `pages`, its title and lead."""

    name: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Filled:
    """A section with its rows."""

    section: Section
    rows: Rows
    drawn: Rows

    def heads(self, language: Language) -> list[tuple[str, Markup]]:
        return [
            ("number" if column.is_number else "", language.t(f"headers.{column.name}"))
            for column in self.section.columns
        ]

    def cells(self, row: Mapping[str, Any], language: Language) -> list[tuple[str, Markup]]:
        return [
            ("number" if column.is_number else "words", column.cell(row, language)) for column in self.section.columns
        ]

    def card(self, row: Mapping[str, Any], language: Language) -> tuple[Markup, Markup, list[tuple[Markup, Markup]]]:
        """A row as a card: heading, text, and of the facts those that are known and so."""
        title, text, *facts = zip(self.section.columns, self.heads(language), self.cells(row, language), strict=True)
        known = [
            (head, cell)
            for column, (_, head), (_, cell) in facts
            if cell != NOTHING and not (column.kind == "flag" and not row[column.source])
        ]
        return title[2][1], text[2][1], known

    def drawing(self, language: Language) -> Mapping[str, Any] | None:
        """The chart's specification in a language; None without a chart or without rows."""
        if self.section.chart is None or not self.drawn:
            return None
        return self.section.chart([_plain(row) for row in self.drawn], language)


def fill(release: ReleaseTables, page: Page) -> list[Filled]:
    """The sections of a page with their rows; a mart that the release lacks leaves its section empty."""
    filled = []
    for section in page.sections:
        rows = release.rows(section.table, section.sql)
        drawn = release.rows(section.table, section.drawn) if section.drawn else rows
        filled.append(Filled(section, rows, drawn))
    return filled


def named(rows: Rows, field: str, language: Language, group: str = "") -> Rows:
    """The rows with the values of a field in the words of a language."""
    return [row | {field: str(language.label(group or f"values.{field}", str(row[field])).unescape())} for row in rows]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON takes it."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _interval(low: Any, high: Any, unit: str, language: Language) -> Markup:
    if low is None or high is None:
        return NOTHING
    show = language.proportion if unit == "share" else language.decimal
    if low < 0:  # a dash behind a minus is a riddle
        return Markup('<span class="keep">{}</span>').format(
            language.t("format.from_to", low=show(float(low)), high=show(float(high)))
        )
    return Markup('<span class="keep">{}–{}</span>').format(show(float(low)), show(float(high)))
