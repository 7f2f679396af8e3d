"""What the sources file says of an object: how the columns of a source become those of the landing contract."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from persona_warehouse.units import CURRENCY_SIGNS


@dataclass(frozen=True)
class Mapping:
    """How the columns of a source become those of a landing object (an entry under `objects:` in the sources file).

    Attributes:
        columns: landing column -> source column.
        formats: landing column -> strptime format (or several), `unix`, `unix_ms` or `unix_us`.
        money: landing column -> pattern such as `$#,##0.00`, or {format, scale, currency}.
        values: landing column -> {source value: landing value, or None for an empty one}.
        constants: landing column -> value for every row.
        currency: the currency of amounts that name none.
        timezone: of local times in the source.
    """

    columns: dict[str, str]
    formats: dict[str, str | list[str]] = field(default_factory=dict)
    money: dict[str, str | dict[str, Any]] = field(default_factory=dict)
    values: dict[str, dict[str, str | None]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    currency: str | None = None
    timezone: str = "Asia/Shanghai"

    def formats_of(self, column: str) -> list[str]:
        found = self.formats.get(column, [])
        return [found] if isinstance(found, str) else list(found)

    def money_of(self, column: str) -> Money:
        return Money.parse(self.money.get(column, "#,##0.00"))


@dataclass(frozen=True)
class Money:
    """A money pattern, read: its decimal sign, the power of ten that amounts are multiplied by, its currency."""

    decimal_comma: bool = False
    power: int = 0
    currency: str | None = None

    @classmethod
    def parse(cls, spec: str | dict[str, Any]) -> Money:
        """Reads `$#,##0.00` or {format: "#,##0.00", scale: 1000000, currency: USD}.

        Raises:
            ValueError: the pattern has no digit place, the scale is no power of ten, the currency is none; says what
                was expected.
        """
        details = {"format": spec} if isinstance(spec, str) else spec
        if not isinstance(details, dict) or set(details) - {"format", "scale", "currency"}:
            raise ValueError("a pattern, or {format, scale, currency}")
        pattern = str(details.get("format", "#,##0.00"))
        if not re.search(r"[#0]", pattern):
            raise ValueError("a pattern such as $#,##0.00 or #.##0,00 €")
        separators = re.sub(r"[^.,]", "", pattern)
        # the last separator is the decimal one when it stands once and digits follow it to the end
        decimal_comma = separators.endswith(",") and bool(re.search(r",0+[^#0]*$", pattern)) and "." in separators
        decimal_comma = decimal_comma or bool(re.fullmatch(r"[^.,]*0,0+[^.,#0]*", pattern))
        sign = next((code for sign, code in CURRENCY_SIGNS.items() if sign in pattern.upper()), None)
        named = details.get("currency")
        return cls(decimal_comma, _power_of_ten(details.get("scale", 1)), currency_code(str(named)) if named else sign)


def _power_of_ten(scale: Any) -> int:
    try:
        sign, digits, exponent = Decimal(str(scale)).normalize().as_tuple()
    except InvalidOperation:
        sign, digits, exponent = 1, (), 0
    if sign or digits != (1,) or not isinstance(exponent, int):
        raise ValueError("a scale such as 1000, 10000, 1000000 or 0.01")
    return exponent


def currency_code(text: str) -> str:
    """The ISO 4217 code of a currency named by sign, word or code.

    Raises:
        ValueError: it is none; says what was expected.
    """
    code = CURRENCY_SIGNS.get(text.strip().upper(), text.strip().upper())
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError("a currency by its ISO 4217 code, such as CNY or USD")
    return code
