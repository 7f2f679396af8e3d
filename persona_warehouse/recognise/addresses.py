"""Addresses to the divisions of China (GB/T 2260): province, city, district.

Every name of a division in an address is a candidate reading; the reading is taken that the most of the names agree
with, full names before short ones, the front of the address before its end. A short name that is part of another word
(北京路, 上海大厦) is none. What fits several divisions equally well (朝阳区 alone) stays open up to where they agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from persona_warehouse.recognise import regions
from persona_warehouse.recognise.regions import CITY, DISTRICT, PROVINCE, Region, short_name
from persona_warehouse.recognise.text import has_han, plain
from persona_warehouse.recognise.vocabulary import Match, Vocabulary, rows_of

# behind a short name these make a street or a building, which may stand in any city
STREET = r"[东南西北中一二三四五六七八九十新老]{0,2}(?:路|街|道|大道|大街|巷|弄|胡同|桥|"
STREET += r"大厦|大楼|广场|花园|公寓|饭店|酒店|宾馆)"
ELSEWHERE = re.compile(rf"{STREET}| (?:east |west |north |south |middle )?(?:street|st|road|rd|avenue|ave|lu)\b")
WEIGHT = {PROVINCE: 3.0, CITY: 3.0, DISTRICT: 2.0}
FULL, SHORT = 1.0, 0.6
BEHIND = 0.8


@dataclass(frozen=True)
class Place:
    """Where an address lies; what is not known is None. Codes have six digits.

    Attributes:
        confidence: 0 to 1, of the deepest division given.
        matched_terms: the names that it rests on.
    """

    province: str | None = None
    province_code: str | None = None
    city: str | None = None
    city_code: str | None = None
    district: str | None = None
    district_code: str | None = None
    confidence: float = 0.0
    matched_terms: tuple[str, ...] = ()


NOWHERE = Place()

Reading = tuple[tuple[Region, bool], ...]


@cache
def _abroad() -> re.Pattern[str]:
    """What lies abroad lies in no division of China, whatever a part of it is called (首尔江南区, Shanghai Street)."""
    names = [row["name"] for row in rows_of("regions/abroad")]
    han = "|".join(re.escape(name) for name in names if has_han(name))
    latin = "|".join(re.escape(name) for name in names if not has_han(name))
    return re.compile(rf"^(?:{han})(?!{STREET})|(?<![a-z])(?:{latin})(?![a-z])")


@cache
def _vocabulary() -> Vocabulary[Reading]:
    latin = dict(regions.latin_names())
    for name, places in regions.latin_district_names().items():
        latin[name] = (*latin.get(name, ()), *places)
    return Vocabulary([*regions.names().items(), *latin.items()])


def read_address(raw: str | None) -> Place:
    """Reads one address."""
    text = plain(raw)
    text = re.sub(r"[\s,，.;；|/\\-]+", "" if has_han(text) else " ", text).lower()
    mentions = _mentions(text)
    # 巴黎春天百货上海 is at home: a city of China is named
    is_abroad = _abroad().search(text) and not (has_han(text) and any(map(_is_above_districts, mentions)))
    if is_abroad or not mentions:
        return NOWHERE
    candidates = {region for match in mentions for region, _ in match.meaning}
    scored: dict[Region, float] = {}
    for region in candidates:
        scored[region] = _support(region, mentions)
    best = max(scored.values())
    leading = [region for region, score in scored.items() if best - score < 1e-9]
    return _agreed(leading, scored, best, mentions)


def _mentions(text: str) -> list[Match[Reading]]:
    """Names of divisions, the longest ones where they overlap, without those that belong to a street or a building."""
    found = sorted(_vocabulary().found(text), key=lambda match: (-(match.end - match.start), match.start))
    kept: list[Match[Reading]] = []
    for match in found:
        if any(match.start < other.end and other.start < match.end for other in kept):
            continue
        is_full = any(full for _, full in match.meaning)
        if not is_full and match.end < len(text) and ELSEWHERE.match(text, match.end):
            continue
        kept.append(match)
    kept.sort(key=lambda match: match.start)
    return [match for match in kept if not _is_lonely(match, kept)]


def _is_above_districts(match: Match[Reading]) -> bool:
    return any(region.level != DISTRICT for region, _ in match.meaning)


def _is_lonely(match: Match[Reading], mentions: Iterable[Match[Reading]]) -> bool:
    """A word of Latin letters that sounds like districts, in none of the places that are named beside it."""
    if has_han(match.term) or any(full or region.level != DISTRICT for region, full in match.meaning):
        return False
    above = [region for other in mentions if other is not match for region, _ in other.meaning]
    return not any(region.within(one) for region, _ in match.meaning for one in above)


def _support(region: Region, mentions: Iterable[Match[Reading]]) -> float:
    """How much of an address agrees with one division: each level it names counts once, less for what stands behind."""
    levels: dict[str, float] = {}
    penalty = 0.0
    for place, match in enumerate(mentions):
        fitting = [(other, full) for other, full in match.meaning if region.within(other)]
        size = BEHIND**place
        if fitting:
            other, full = max(fitting, key=lambda one: (one[1], WEIGHT[one[0].level]))
            worth = WEIGHT[other.level] * (FULL if full else SHORT) * size
            # 吉林吉林市, 上海市上海市: one name may stand for two levels, and counts for one
            levels[other.level] = max(levels.get(other.level, 0.0), worth)
        elif not any(other.within(region) for other, _ in match.meaning):
            penalty += (
                0.5 * max(WEIGHT[other.level] * (FULL if full else SHORT) for other, full in match.meaning) * size
            )
    return sum(levels.values()) - penalty


def _is_city_of(city: Region, county: Region) -> bool:
    """Whether a county has the name of its city, and is not the town itself as 恩施市 in 恩施州."""
    is_namesake = county.name.endswith("县") and short_name(city.name) == short_name(county.name)
    return city.level == CITY and county.within(city) and is_namesake


def _provinces_alone(mentions: list[Match[Reading]]) -> list[Region]:
    """The province, where its short name is all that there is: 吉林 and 海南 are cities and districts too."""
    if len(mentions) > 1:
        return []
    return [
        region
        for region, full in mentions[0].meaning
        if region.level == PROVINCE and not full and not region.name.endswith("市")
    ]


def _agreed(leading: list[Region], scored: dict[Region, float], best: float, mentions: list[Match[Reading]]) -> Place:
    """What the best readings have in common."""
    # 长沙 is the city and not the county of that name in it: nothing but the shared name speaks for the county
    named = [one for one in leading if one.level != DISTRICT or not any(_is_city_of(other, one) for other in leading)]
    deepest = [one for one in named if not any(other != one and other.within(one) for other in named)] or named
    deepest = _provinces_alone(mentions) or deepest

    def common(name: str) -> str | None:
        values = {getattr(one, name) for one in deepest}
        return next(iter(values)) or None if len(values) == 1 else None

    province, city, district = common("province_code"), common("city_code"), common("district_code")
    if province is None:
        return NOWHERE
    others = [
        score for region, score in scored.items() if not any(region.within(o) or o.within(region) for o in deepest)
    ]
    lead = best - max(others, default=0.0)
    sure = min(0.99, 0.6 + 0.1 * best, 0.6 + 0.2 * lead)
    return Place(
        province=common("province"),
        province_code=province,
        city=common("city") if city else None,
        city_code=city,
        district=common("district") if district else None,
        district_code=district,
        confidence=round(max(sure, 0.3), 3),
        matched_terms=tuple(match.term for match in mentions),
    )
