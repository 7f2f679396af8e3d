"""Bands of a number as values of an attribute: `below 114`, `114 to 211`, `211 and more`; and their words."""

from __future__ import annotations

import re

NUMBER = r"-?[\d.]+(?:e[+-]?\d+)?"
LABEL = re.compile(rf"below (?P<below>{NUMBER})|(?P<low>{NUMBER}) to (?P<high>{NUMBER})|(?P<least>{NUMBER}) and more")
MILLION, BILLION, WAN, YI = 1e6, 1e9, 1e4, 1e8


def label(low: float | None, high: float | None) -> str:
    """The value of a band from `low` on, below `high`; one of them may be open."""
    if low is None:
        return f"below {high:.6g}"
    return f"{low:.6g} and more" if high is None else f"{low:.6g} to {high:.6g}"


def words(value: str | None) -> tuple[str, str] | None:
    """A band in Chinese and English, numbers as people write them; None for any other value."""
    found = LABEL.fullmatch(value or "")
    if not found:
        return None
    below, low, high, least = (float(one) if one else None for one in found.groups())
    # shares and growth: what is below one as a whole is read as per cent
    as_share = all(abs(one) < 1 for one in (below, low, high, least) if one is not None)
    zh, en = (_chinese, _english) if not as_share else (_percent, _percent)
    if below is not None:
        return f"低于{zh(below)}", f"below {en(below)}"
    if least is not None:
        return f"{zh(least)}及以上", f"{en(least)} and more"
    return f"{zh(low or 0)}至{zh(high or 0)}", f"{en(low or 0)} to {en(high or 0)}"


def _percent(number: float) -> str:
    return f"{100 * number:.3g}%"


def _chinese(number: float) -> str:
    size = abs(number)
    return f"{number / YI:.3g}亿" if size >= YI else f"{number / WAN:.4g}万" if size >= WAN else f"{number:.6g}"


def _english(number: float) -> str:
    size = abs(number)
    if size >= BILLION:
        return f"{number / BILLION:.3g} billion"
    return (
        f"{number / MILLION:.3g} million" if size >= MILLION else f"{number:,.0f}" if size >= WAN else f"{number:.6g}"
    )
