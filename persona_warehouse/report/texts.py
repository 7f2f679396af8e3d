"""The words and number formats of the pages, one `Language` each; the words themselves stand in words/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import yaml
from markupsafe import Markup, escape

from persona_warehouse.report.statistics import Share

LANGUAGES = {
    "zh": "zh-CN",
    "en": "en",
}  # code in the catalogue -> value of the lang attribute; the first is the default
ZONE = ZoneInfo("Asia/Shanghai")
NOTHING = Markup("—")


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every text: dotted key -> language code -> words."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(files(__package__).joinpath("words").iterdir(), key=lambda each: each.name):
        found |= dict(_leaves(yaml.safe_load(file.read_text(encoding="utf-8")), ""))
    return found


def _leaves(tree: Mapping[str, object], path: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, node in tree.items():
        if not isinstance(node, Mapping):
            raise TypeError(f"texts: {path}{name} must hold zh and en, found {node!r}")
        if all(isinstance(value, str) for value in node.values()):
            yield f"{path}{name}", node
        else:
            yield from _leaves(node, f"{path}{name}.")


@dataclass(frozen=True)
class Language:
    """Texts and formats in one language. Everything it returns is safe HTML; `used` collects the keys asked for."""

    code: str
    used: set[str] = field(default_factory=set, compare=False)

    @property
    def tag(self) -> str:
        return LANGUAGES[self.code]

    def t(self, key: str, **values: object) -> Markup:
        """The text of a key with its placeholders filled; values are escaped unless they are Markup.

        Raises:
            KeyError: no such key.
        """
        self.used.add(key)
        words = catalogue()[key][self.code].replace("n = {", "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{")
        return escape(words).format(**values)

    def has(self, key: str) -> bool:
        return key in catalogue()

    def label(self, group: str, name: str) -> Markup:
        """The text of a value out of the data, such as a status; the value itself when there is none for it."""
        key = f"{group}.{name}"
        return self.t(key) if key in catalogue() else escape(name)

    def described(self, table: str) -> Markup:
        """What each record of a table represents; the table may come with its schema."""
        key = f"tables.{table.rpartition('.')[2]}"
        return self.t(key) if key in catalogue() else NOTHING

    def join(self, parts: list[Markup]) -> Markup:
        return self.t("format.list_separator").join(parts)

    def exact(self, number: int) -> Markup:
        """1234567 -> 1,234,567."""
        return escape(f"{number:,}")

    def short(self, number: int) -> Markup:
        """Chinese counts in 万 and 亿 from 10,000 up (12,345 -> 1.23万); English writes the digits out."""
        if self.code != "zh" or abs(number) < 10_000:
            return self.exact(number)
        return escape(_in_myriads(number))

    def number(self, number: int | None) -> Markup:
        """A count for tables, every digit, with its value for machines."""
        return NOTHING if number is None else Markup('<data value="{}">{}</data>').format(number, self.exact(number))

    def headline(self, number: int) -> Markup:
        """A count for cards and sentences, in the language's short form, every digit in the tooltip."""
        return Markup('<data value="{}" title="{}">{}</data>').format(number, self.exact(number), self.short(number))

    def percent(self, share: Share, digits: int = 1) -> Markup:
        """A share without markup: 62.5%, or why there is none."""
        if share.is_suppressed:
            return self.t("format.suppressed")
        return NOTHING if share.value is None else escape(_percent(share.value, digits))

    def proportion(self, value: float) -> Markup:
        """A share of the marts, which suppress small cells themselves: 62.5%; one below zero is a difference."""
        return escape(f"{value * 100:.1f}%" if value < 0 else _percent(value))

    def money(self, amount: Decimal) -> Markup:
        """CNY without fen, with every digit in the tooltip: ¥12.35万 in Chinese, ¥123,456 in English."""
        whole = int(amount.to_integral_value(ROUND_HALF_UP))
        return Markup('<data value="{}" title="¥{}">¥{}</data>').format(whole, self.exact(whole), self.short(whole))

    def decimal(self, number: float, digits: int | None = None) -> Markup:
        """1234.56 -> 1,235; 12.34 -> 12.3; 12.0 -> 12: digits as far as they tell something, unless they are said."""
        if digits is None:
            digits = 0 if abs(number) >= 100 or number == int(number) else 1 if abs(number) >= 1 else 2
        return Markup('<data value="{}">{:,.{}f}</data>').format(round(number, 6), number, digits)

    def rate(self, share: Share) -> Markup:
        """As `percent`, with the value for machines."""
        if share.value is None:
            return self.percent(share)
        return Markup('<data value="{:.6f}">{}</data>').format(share.value, self.percent(share))

    def interval(self, share: Share) -> Markup:
        """The 95 % interval: 57.1%–67.6%."""
        if share.interval is None:
            return self.percent(share)
        low, high = share.interval
        return Markup('<span class="keep">{}–{}</span>').format(_percent(low), _percent(high))

    def day(self, value: date | None) -> Markup:
        if value is None:
            return NOTHING
        return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())

    def long_day(self, value: date) -> Markup:
        words = self.t("format.day", year=value.year, month=f"{value.month:02}", day=f"{value.day:02}")
        return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), words)

    def moment(self, value: datetime | None) -> Markup:
        """A point in time, to the minute, in the business time zone."""
        if value is None:
            return NOTHING
        local = value.astimezone(ZONE)
        return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M}</time>').format(local.isoformat(), local)


def _in_myriads(number: int) -> str:
    for unit, size in (("万", 10_000), ("亿", 100_000_000)):
        rounded = (Decimal(number) / size).quantize(Decimal("0.01"), ROUND_HALF_UP)
        # 99,999,999 rounds to 10,000 万, which nobody says: it is 1 亿
        if unit == "亿" or abs(rounded) < 10_000:
            break
    whole, _, fraction = f"{rounded:,}".partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}{unit}" if fraction else f"{whole}{unit}"


def _percent(value: float, digits: int = 1) -> str:
    """Rounded, but never to 0 % or 100 % unless it is that: one missing row of a million must stay visible."""
    step = 10.0**-digits
    if 0 < value * 100 < step:
        return f"<{step:.{digits}f}%"
    if 100 - step < value * 100 < 100:
        return f"{100 - step:.{digits}f}%"
    return f"{value * 100:.{digits}f}%"
