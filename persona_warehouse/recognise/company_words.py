"""What the parts of a company's name say in any script: how a brand sounds, where a place lies, what a trade is."""

from __future__ import annotations

import re
from functools import cache

from pypinyin import lazy_pinyin

from persona_warehouse.recognise import regions
from persona_warehouse.recognise.text import has_han
from persona_warehouse.recognise.vocabulary import rows_of


def sound_of(brand: str) -> tuple[str, str]:
    """(Pinyin or Latin letters without blanks, the first word of it): 星河 and Xing He are xinghe.

    A Chinese brand is one word.
    """
    if has_han(brand):
        sound = re.sub(r"[^a-z0-9]", "", "".join(lazy_pinyin(brand)).lower())
        return sound, sound
    words = re.findall(r"[a-z0-9]+", brand.lower())
    return "".join(words), words[0] if words else ""


def place_of(name: str) -> tuple[str | None, str | None]:
    """(province code, city code) of a division's name in either script; None for what is not told.

    Of a name that several divisions bear, what they have in common.
    """
    known = regions.names().get(name) or regions.latin_names().get(name.lower()) or ()
    highest = [regions.PROVINCE, regions.CITY, regions.DISTRICT]
    level = min((highest.index(place.level) for place, _ in known), default=None)
    # a city and its province may share a name: 吉林, 海南
    places = [place for place, _ in known if level is not None and place.level == highest[level]]
    provinces, cities = {one.province_code for one in places}, {one.city_code for one in places}
    province = provinces.pop() if len(provinces) == 1 else None
    city = cities.pop() if province and len(cities) == 1 else None
    if province and not city and places[0].name.endswith("市"):
        # Beijing, Tianjin, Shanghai and Chongqing are province and city at once
        city = f"{province[:2]}0100"
    return province, city or None


def sections_of(trade: str) -> tuple[list[str] | None]:
    """Sections of GB/T 4754 that the words of a trade belong to."""
    words = _sections()
    if has_han(trade):
        found = {section for word, section in words.items() if word in trade}
    else:
        found = {words[word] for word in re.findall(r"[a-z]+", trade.lower()) if word in words}
    return (sorted(found) or None,)


@cache
def _sections() -> dict[str, str]:
    rows = (*rows_of("companies/trade_words"), *rows_of("companies/trade_words_en"))
    return {row["term"]: row["industry_section"] for row in rows if row["industry_section"]}
