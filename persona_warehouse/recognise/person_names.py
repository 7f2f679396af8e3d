"""Names of persons, Chinese and Latin, in one form each and comparable over both scripts."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from nicknames import NickNamer
from pypinyin import lazy_pinyin

from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.vocabulary import rows_of

NOT_A_NAME = re.compile(
    r"(?:测试|无|匿名|未知|先生|女士|用户|客户|管理员|游客|访客|test\w*|admin\w*|user\w*|guest|none|null|n/?a|unknown|asdf|abc|"
    r"root|info|sales|support|[^\W\d_]|[\W\d_]*)",
    re.IGNORECASE,
)
HAN_NAME = re.compile(r"[\u3400-\u9fff·]{2,15}|[\u3400-\u9fff]")


@dataclass(frozen=True)
class PersonName:
    """A name taken apart.

    Attributes:
        full: one form: simplified without blanks, or Latin words in lower case, given name first.
        family, given: in the script of the name; of 张总 and Mr Smith only the family name is known.
        family_latin, given_latin: in Latin letters without blanks; of a Chinese name its Pinyin.
        is_whole: both parts are known.
        address: the form of address that stood there (总, 经理, mr).
    """

    full: str
    family: str
    given: str
    family_latin: str
    given_latin: str
    is_whole: bool
    address: str | None = None

    @property
    def key(self) -> str:
        """Family and given name in Latin letters: the same for 张三, Zhang San and San Zhang."""
        return f"{self.family_latin}|{self.given_latin}"


def read_person_name(raw: str | None) -> PersonName | None:
    """Takes a name apart; None for what is no name (测试, 111, one letter)."""
    text = plain(raw).strip(" .,-_/'\"*~!?#()")
    if not text or NOT_A_NAME.fullmatch(text):
        return None
    return _chinese(text) if has_han(text) else _latin(text)


def _chinese(text: str) -> PersonName | None:
    # 张三(采购), 张三 Kevin: what is not Chinese is no part of it
    text = re.sub(r"[(\[（【].*$", "", text)
    text = re.sub(r"[^\u3400-\u9fff·]", "", text)
    if not text:
        return None
    address = next((term for term in _addresses("zh") if text.endswith(term) and len(text) > len(term)), None)
    family = family_of(text)
    if address and family and len(text) - len(family) - len(address) in (0,):
        return _made(family, "", address)
    if address and family and len(text) - len(address) - len(family) in (1, 2) and len(address) > 1:
        text = text[: -len(address)]  # 张三经理
    elif address:
        address = None
    if not HAN_NAME.fullmatch(text):
        return None
    if family is None or len(text) == len(family):
        return _made(text if family else "", "" if family else text, address)
    return _made(family, text[len(family) :], address)


def _made(family: str, given: str, address: str | None) -> PersonName:
    return PersonName(
        full=family + given,
        family=family,
        given=given,
        family_latin=_family_in_pinyin(family),
        given_latin="".join(lazy_pinyin(given)),
        is_whole=bool(family and given),
        address=address,
    )


# family names that sound otherwise than the words that are written alike
_SOUNDS_OF_FAMILIES = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "朴": "piao", "盖": "ge",
    "任": "ren", "华": "hua", "缪": "miao", "种": "chong", "秘": "bi", "翟": "zhai", "覃": "qin", "乐": "yue",
    "员": "yun", "召": "shao", "折": "she", "繁": "po", "纪": "ji", "宁": "ning", "谌": "chen", "逄": "pang",
    "冼": "xian", "那": "na", "阚": "kan", "尉迟": "yuchi", "万俟": "moqi", "令狐": "linghu", "长孙": "zhangsun",
}  # fmt: skip


def _family_in_pinyin(family: str) -> str:
    return _SOUNDS_OF_FAMILIES.get(family) or "".join(lazy_pinyin(family))


def family_of(text: str) -> str | None:
    """The family name that a Chinese name begins with; the double ones first."""
    return next((text[:size] for size in (4, 3, 2, 1) if text[:size] in surnames()), None)


def is_chinese_name(text: str) -> bool:
    """Whether a text looks like a full Chinese name: a family name and one or two characters."""
    family = family_of(text)
    return family is not None and all(map(has_han, text)) and len(text) - len(family) in (1, 2)


def _latin(text: str) -> PersonName | None:
    words = [word for word in re.split(r"[\s,.·]+", text.lower()) if re.search(r"[^\W\d_]", word)]
    address = next((word for word in words if word in _addresses("en")), None)
    words = [word for word in words if word != address]
    if not words:
        return None
    comma_first = "," in text and len(words) > 1
    bare = [re.sub(r"[^a-z]", "", _unaccented(word)) or word for word in words]
    if len(bare) == 1:
        # Mr Smith is known by his family name, Bob by his given one
        family, given_name = (bare[0], "") if address else ("", bare[0])
        return PersonName(bare[0], family, given_name, family, given_name, False, address)
    at = 0 if comma_first or _family_comes_first(bare) else len(bare) - 1
    family, given = bare[at], [word for place, word in enumerate(bare) if place != at]
    full = " ".join([*given, family])
    # a Pinyin given name is one word (Xiao Ming, Xiao-Ming); of a Western one the first word tells
    joined = "".join(given) if family in pinyin_surnames() else given[0]
    return PersonName(full, family, " ".join(given), family, joined, True, address)


# letters that Unicode takes apart into no letter and sign
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def _unaccented(word: str) -> str:
    """Müller as muller, Lefèvre as lefevre."""
    return unicodedata.normalize("NFKD", word).translate(_LETTERS)


def _family_comes_first(words: list[str]) -> bool:
    """Zhang San, but San Zhang, and Kevin Zhang: only the first word is a Chinese family name."""
    return words[0] in pinyin_surnames() and words[-1] not in pinyin_surnames()


def given_names_agree(one: str, other: str) -> bool:
    """Whether two Western given names are forms of one (Bob, Robert), or one is the other's first letter."""
    if one == other or (min(len(one), len(other)) == 1 and one[:1] == other[:1]):
        return True
    return bool(forms_of(one) & forms_of(other))


@cache
def forms_of(given: str) -> frozenset[str]:
    """A Western given name with its short and full forms (bob, rob, robert)."""
    namer = _nicknames()
    return frozenset({given} | namer.nicknames_of(given) | namer.canonicals_of(given))


@cache
def _nicknames() -> NickNamer:
    return NickNamer()


@cache
def surnames() -> frozenset[str]:
    """Chinese family names (seed people/surnames)."""
    return frozenset(row["surname"] for row in rows_of("people/surnames"))


def is_pinyin_surname(family: str) -> bool:
    """Whether a family name in Latin letters is a common Chinese one in Pinyin."""
    return family in pinyin_surnames()


@cache
def pinyin_surnames() -> frozenset[str]:
    """Common Chinese family names in Latin letters."""
    # of the rare ones many are Western given names in Pinyin (Dan, Jo), so only the common ones count
    return frozenset(
        _family_in_pinyin(row["surname"]) for row in rows_of("people/surnames") if row["is_common"] == "true"
    )


@cache
def _addresses(language: str) -> tuple[str, ...]:
    terms = (row["term"] for row in rows_of("people/forms_of_address") if row["language"] == language)
    return tuple(sorted(terms, key=len, reverse=True))
