"""Industries to GB/T 4754-2017: section (C) or division (C36), from whatever a CRM, a registry or a salesperson wrote.

A whole entry that the dictionary knows is taken as it is (seed companies/industry_terms; the names and codes of the
standard itself). Else its parts are read (`制造业>汽车零部件`, `互联网/IT`), else the words in it. What names two
sections on a par is given the first one, with less confidence; what says nothing is null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.vocabulary import Match, Vocabulary, best_cover, rows_of

# a code of the standard: a section, a division with or without it, a group or class below (I6510)
CODE = re.compile(r"([a-t])?(\d{2})?(\d{1,2})?")
# above from below, and one beside the other
LEVELS = re.compile(r"\s*(?:>|›|»|→|--|\\|—|::)\s*")
BESIDE = re.compile(r"\s*[/、,，;；|+]\s*|\s+和\s*|及(?=\S)|与(?=\S)")
TAIL = re.compile(r"(?<=..)(?:行业|产业|领域|企业|公司|业务|类|板块|业)$")
HEAD = re.compile(r"^(?:其他|其它|other|传统|现代|大型)\s*(?=..)")
NOTHING = frozenset(
    "其他 其它 未知 无 不详 暂无 不限 综合 测试 other others unknown none na test".split()  # noqa: SIM905
) | {"n a"}

WHOLE, PART, WORD, SEVERAL = 0.95, 0.9, 0.75, 0.5


@dataclass(frozen=True)
class Industry:
    """An industry of the standard.

    Attributes:
        code: a division (C36), or a section where only that is known (C).
        term: what it rests on.
        confidence: 0 to 1.
    """

    code: str
    term: str
    confidence: float

    @property
    def section(self) -> str:
        return self.code[0]


def read_industry(raw: str | None) -> Industry | None:
    """Reads one entry of an industry field."""
    text = plain(raw).lower()
    whole = _whole(text)
    if whole is not None or not text:
        return whole
    if _key(text) in NOTHING:
        return None
    levels = [part for part in LEVELS.split(text) if part]
    if len(levels) > 1:
        return _deepest([_whole(part) or _words(part) for part in levels])
    beside = [part for part in BESIDE.split(text) if part]
    if len(beside) > 1:
        return _together([_whole(part) or _words(part) for part in beside])
    return _words(text)


def read_trade(raw: str | None) -> Industry | None:
    """Reads the trade in a company's name (智能科技, 汽车零部件): the last word that says something decides.

    The words of the dictionary of industries go before those of names, which know the section alone.
    """
    text = plain(raw).lower()
    if not text:
        return None
    found = _whole(text)
    if found is None:
        found = _last(best_cover(len(text), _trades().found(text)))
    # 科技, 实业, 商贸 stand in names of all kinds
    return Industry(found.code, found.term, WORD if len(found.code) > 1 else SEVERAL) if found else None


def _whole(text: str) -> Industry | None:
    """An entry that is a code, a name of the standard or a term of the dictionary, with or without 业, 行业, 其他."""
    key = _key(text)
    if not key or key in NOTHING:
        return None
    code = _code(text.strip())
    if code:
        return Industry(code, text, WHOLE)
    tried = key
    for _ in range(3):
        if tried in _terms() and tried not in NOTHING:
            return Industry(_terms()[tried], tried, WHOLE)
        shorter = HEAD.sub("", TAIL.sub("", tried)).strip()
        if shorter == tried:
            return None
        tried = shorter
    return None


def _code(text: str) -> str | None:
    found = CODE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None
    if found[2] is None:
        # a letter alone is a section; letter and one digit is nothing
        return found[1].upper() if found[3] is None else None
    code = _divisions().get(found[2])
    return code if code and (not found[1] or code[0] == found[1].upper()) else None


def _deepest(found: list[Industry | None]) -> Industry | None:
    """Of levels one below the other the lowest that is known, unless a higher one of its section knows more."""
    known = [one for one in found if one is not None]
    if not known:
        return None
    last = known[-1]
    same = [one for one in known if one.section == last.section]
    best = max(same, key=lambda one: len(one.code))
    chosen = last if len(last.code) > 1 else best
    return Industry(chosen.code, chosen.term, min(PART, chosen.confidence))


def _together(found: list[Industry | None]) -> Industry | None:
    known = [one for one in found if one is not None]
    if not known:
        return None
    first = known[0]
    if len({one.section for one in known}) > 1:
        return Industry(first.code, first.term, SEVERAL)
    codes = {one.code for one in known if len(one.code) > 1}
    code = codes.pop() if len(codes) == 1 else first.code if len(codes) == 0 else first.section
    return Industry(code, ", ".join(one.term for one in known), min(PART, *(one.confidence for one in known)))


def _words(text: str) -> Industry | None:
    """The words of the dictionary within an entry: in Chinese the last one names the kind, in English the longest."""
    key = _key(text)
    if has_han(key):
        found = _last(best_cover(len(key), _trades().found(key)))
    else:
        found = _longest(best_cover(len(key), _vocabulary().found(key)))
    return Industry(found.code, found.term, WORD) if found else None


def _last(matches: list[Match[str]]) -> Industry | None:
    """The last match, unless a narrower one stands before it; two divisions of one section are that section."""
    if not matches:
        return None
    last = matches[-1]
    narrow = [match for match in matches if len(match.meaning) > 1]
    if len(last.meaning) == 1 and narrow:
        last = next((match for match in reversed(narrow) if match.meaning[0] == last.meaning), narrow[-1])
    beside = {match.meaning for match in narrow if match.meaning[0] == last.meaning[0]}
    # 服装日化 names garments and household goods
    code = last.meaning if len(beside) < 2 else last.meaning[0]
    return Industry(code, last.term, WORD)


def _longest(matches: list[Match[str]]) -> Industry | None:
    if not matches:
        return None
    best = max(matches, key=lambda match: (match.end - match.start, match.start))
    return Industry(best.meaning, best.term, WORD)


def _key(text: str) -> str:
    """One spelling for `Hotels, Resorts & Cruise Lines`, `HOTELS_RESORTS_CRUISE_LINES` and `hotels resorts and …`."""
    bare = re.sub(r"[^\w\u3400-\u9fff]+|_", " ", text)
    words = [word for word in bare.split() if word != "and"]
    return " ".join(words) if not has_han(text) else "".join(words)


@cache
def _terms() -> dict[str, str]:
    found = {_key(row["term"]): row["code"] for row in rows_of("companies/industry_terms")}
    for row in rows_of("accounts/industries"):
        found.setdefault(_key(row["name_en"].lower()), row["code"])
        found.setdefault(_key(row["name_zh"]), row["code"])
        found.setdefault(TAIL.sub("", _key(row["name_zh"])), row["code"])
    return found


@cache
def _divisions() -> dict[str, str]:
    return {row["code"][1:]: row["code"] for row in rows_of("accounts/industries") if len(row["code"]) > 1}


@cache
def _vocabulary() -> Vocabulary[str]:
    # one character says nothing inside another word
    return Vocabulary([(term, code) for term, code in _terms().items() if len(term) > 1])


@cache
def _trades() -> Vocabulary[str]:
    """The same and the trade words of names, which are read where the dictionary of industries is silent."""
    own = [(term, code) for term, code in _terms().items() if len(term) > 1]
    names = [
        (row["term"], row["industry_section"])
        for name in ("trade_words", "trade_words_en")
        for row in rows_of(f"companies/{name}")
        if row["industry_section"]
    ]
    return Vocabulary([*own, *names])
