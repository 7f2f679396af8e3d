"""Numbers that people wrote: 1.2亿元, 约300人, 100-499, $5M, 500万以上, 12%, 亏损500万.

A range stands for the middle of it as sizes go (the geometric mean), `below` for half of its bound, `above` for the
bound: none of these is exact, and all lie in the band that was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import sqrt

from persona_warehouse.recognise.text import plain
from persona_warehouse.recognise.vocabulary import rows_of
from persona_warehouse.units import CURRENCY_SIGNS, UNITS

WORDS_OF_UNITS = {"TRILLION": 12, "BILLION": 9, "MILLION": 6, "THOUSAND": 3, "HUNDRED MILLION": 8}
_NUMBER = r"(?:[0-9]{1,4}(?:,[0-9]{3,4})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+"
_YEAR = re.compile(r"^(?:成立于|始于|创立于|FOUNDED IN|SINCE|EST\.?)? ?((?:18|19|20)[0-9]{2})(?:[^0-9].*)?$")


@dataclass(frozen=True)
class Quantity:
    """A number as it was meant.

    Attributes:
        number: in units of one; of a share, 0.12 for 12%.
        currency: ISO 4217, or None when none is named.
        is_exact: neither a range nor a bound.
        year: the year when the text may be one or begins with one.
    """

    number: Decimal | None = None
    currency: str | None = None
    is_exact: bool = True
    year: int | None = None


def read_quantity(raw: str | None) -> Quantity | None:
    """Reads a number, or None when there is none or something else stands beside it."""
    # codes of answers: 100_300, above_1000
    text = re.sub(r"(?<=[0-9A-Z])_(?=[0-9])", "-", plain(raw).upper().lstrip("~ "))
    text = re.sub(r"(?<=[A-Z])-(?=[0-9])", " ", text).replace("_", " ") if text[:1].isalpha() else text
    found = _YEAR.match(text)
    year = int(found[1]) if found else None
    currency = next((code for sign, code in CURRENCY_SIGNS.items() if sign in text), None)
    for sign in CURRENCY_SIGNS:
        text = text.replace(sign, " ")
    text, is_loss = _without(text, "loss")
    text, is_above = _without(text, "above")
    text, is_below = _without(text, "below")
    text, _ = _without(text, "noise")
    number, is_range = _number(" ".join(text.split()))
    if number is None:
        return Quantity(year=year) if year else None
    if is_below and not is_range:
        number /= 2
    return Quantity(-abs(number) if is_loss else number, currency, not (is_range or is_above or is_below), year)


def _without(text: str, meaning: str) -> tuple[str, bool]:
    """A text without the words of a meaning (seed companies/quantity_words), and whether there was one."""
    bare = _words(meaning).sub(" ", text)
    return bare, bare != text


@cache
def _words(meaning: str) -> re.Pattern[str]:
    words = [row["word"].upper() for row in rows_of("companies/quantity_words") if row["meaning"] == meaning]
    patterns = [
        rf"\b{re.escape(word)}\b" if word.replace(" ", "").isalpha() and word.isascii() else re.escape(word)
        for word in sorted(words, key=len, reverse=True)
    ]
    return re.compile("|".join(patterns))


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    units = "|".join(re.escape(unit) for unit in sorted([*UNITS, *WORDS_OF_UNITS], key=len, reverse=True))
    one = rf"({_NUMBER}) ?({units})?"
    return (
        re.compile(rf"^(-|\()? ?{one} ?(%)?\)?$"),
        re.compile(rf"^{one} ?(?:-|~|TO|至|到) ?{one}$"),
    )


def _number(text: str) -> tuple[Decimal | None, bool]:
    """The number and whether a range gave it."""
    single, spread = _patterns()
    if found := single.match(text):
        number = _scaled(found[2], found[3])
        number = number / 100 if found[4] else number
        return (-number if found[1] else number), False
    if found := spread.match(text):
        # 100-500万: the unit stands once
        low, high = _scaled(found[1], found[2] or found[4]), _scaled(found[3], found[4])
        if low < high:
            return Decimal(round(sqrt(float(low) * float(high)))), True
    return None, False


def _scaled(digits: str, unit: str | None) -> Decimal:
    return Decimal(digits.replace(",", "")).scaleb({**UNITS, **WORDS_OF_UNITS}.get(unit or "", 0))
