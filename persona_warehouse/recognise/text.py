"""One plain form for text that people typed."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
# what is nothing, whatever it is written in: a control or format sign, a symbol such as an emoji
_UNSEEN = ("Cc", "Cf", "Co", "Cs")
_SYMBOLS = ("So", "Sk")
# signs that NFKC leaves alone and that mean what the right-hand ones mean
_SIGNS = str.maketrans({"—": "-", "–": "-", "―": "-", "‐": "-", "‑": "-", "・": "·", "•": "·", "。": ".", "’": "'"})


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def plain(raw: str | None) -> str:
    """Half-width (Unicode NFKC), simplified (OpenCC t2s), without emoji and signs nobody sees, blanks single.

    Case stays as it is.
    """
    if not raw:
        return ""
    if raw.isascii():
        return " ".join(raw.split())
    text = unicodedata.normalize("NFKC", raw).translate(_SIGNS)
    kept = (" " if unicodedata.category(sign) in _SYMBOLS else sign for sign in text)
    text = "".join(sign for sign in kept if sign.isspace() or unicodedata.category(sign) not in _UNSEEN)
    return simplified(" ".join(text.split()))


def simplified(text: str) -> str:
    """Traditional characters as simplified ones (OpenCC t2s: character by character, no regional words)."""
    return _simplifier().convert(text) if HAN.search(text) else text


def has_han(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return bool(HAN.search(text))
