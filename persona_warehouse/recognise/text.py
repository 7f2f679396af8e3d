"""One plain form for text that people typed."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
from opencc import OpenCC

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")
# what is nothing, whatever it is written in: a control or format sign, a symbol such as an emoji
_UNSEEN = ("Cc", "Cf", "Co", "Cs")
_SYMBOLS = ("So", "Sk")
# signs that NFKC leaves alone and that mean what the right-hand ones mean
_SIGNS_OF_TEXT = tuple(zip("—–―‐‑・•。’", "-----··.'", strict=True))
_SIGNS = str.maketrans(dict(_SIGNS_OF_TEXT))


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


@cache
def _traditional() -> str:
    """A character class of all characters that have a simplified form."""
    blocks = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00))
    converted = ((chr(code), _simplifier().convert(chr(code))) for block in blocks for code in block)
    return "[" + "".join(sign for sign, plain_sign in converted if sign != plain_sign) + "]"


def plain_array(values: pa.Array) -> pa.Array:
    """`plain` for a whole Arrow array of texts at once; nulls stay, and an empty text becomes null.

    Everything is done by Arrow, but for texts with traditional characters: those go through OpenCC one by one.
    """
    # most texts are plain already; what has any other sign than these is looked at more closely
    odd = pc.fill_null(pc.invert(pc.match_substring_regex(values, _PLAIN)), False)
    text = values
    if pc.any(odd).as_py():
        text = pc.replace_with_mask(values, odd, _cleaned(values.filter(odd)))
    text = pc.if_else(pc.equal(text, ""), None, text)
    old = pc.fill_null(pc.match_substring_regex(text, _traditional()), False)
    if pc.any(old).as_py():
        convert = _simplifier().convert
        text = pc.replace_with_mask(text, old, pa.array([convert(one) for one in text.filter(old).to_pylist()]))
    return text


# characters, Latin letters, digits and common signs, with single blanks inside: nothing to do
_PLAIN = r"^[\x{4e00}-\x{9fff}A-Za-z0-9.,&'()/-]+(?: [\x{4e00}-\x{9fff}A-Za-z0-9.,&'()/-]+)*$"


def _cleaned(values: pa.Array) -> pa.Array:
    text = pc.utf8_normalize(values, "NFKC")
    for sign, meant in _SIGNS_OF_TEXT:
        text = pc.replace_substring(text, sign, meant)
    text = pc.replace_substring_regex(text, r"[\p{So}\p{Sk}]", " ")
    text = pc.replace_substring_regex(text, r"[\p{Cf}\p{Co}]|[^\P{Cc}\s]", "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"\s+", " "))
