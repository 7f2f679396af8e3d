"""Company names taken apart: place, brand, trade, legal form, branch (上海 | 星河 | 智能科技 | 有限公司).

A registered Chinese name is place + brand + trade + legal form, the place sometimes in brackets behind the brand; an
English one has the same parts in the same order. Form and trade are taken off from the right, the place from the left,
by the dictionaries in seeds/companies and the divisions of China; what is left is the brand. All is done by Arrow on
whole columns; no name becomes a Python object, but for those in traditional characters (`text.plain_array`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from persona_warehouse.recognise import regions
from persona_warehouse.recognise.text import plain_array
from persona_warehouse.recognise.vocabulary import rows_of

SHORTEST_BRAND = 2
# how many trade words and places follow upon each other (智能 + 科技; 广东省 + 深圳市 + 南山区)
MOST_TRADES, MOST_PLACES, MOST_PLACE_SIGNS = 4, 3, 30
COUNTRIES = ("中国", "中华", "全国")

NOT_A_NAME = (
    r"^(?:无|暂无|没有|未知|不详|测试|测试公司|个人|个体|自由职业|自由|同行|其他|其它|保密|公司|有限公司|"
    r"(?:\(\p{Han}{2,5}\))?(?:集团|股份|责任)?有限(?:责任)?公司|test|testing|n/?a|none|null|unknown|company|个人用户|待定|空|学生|无公司|某公司|某某公司|xx+公司|[^\p{L}]*|.)$"
)

# 有限公司 with a sign wrong, missing or out of place
FORM_WITH_A_SLIP = (
    r"(?:[^无份团]限公司|有[^限责]公司|有限[^公责]司|有限公[^司]|"
    r"限有公司|有公限司|有限司公|有限司|有限公)$"
)

CHUNK = 50_000

COLUMNS = ("place", "brand", "trade", "legal_form", "branch", "key")


def parse_companies(names: pa.Array) -> dict[str, pa.Array]:
    """Takes names apart.

    Args:
        names: text; null gives nulls.

    Returns:
        COLUMNS. `place` is without 省, 市 …; `brand` is null for what is no company name; `branch` is what stands
        behind the legal form (苏州分公司); `key` is brand, trade, place and branch in lower case, the same for
        every way to write one registered name, null without a brand.
    """
    chunks = [names.slice(start, CHUNK) for start in range(0, len(names), CHUNK)]
    if len(chunks) <= 1:
        return _parsed(names)
    # arrow lets go of the interpreter, so the cores share the work
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parsed = list(pool.map(_parsed, chunks))
    return {name: pa.concat_arrays([part[name] for part in parsed]) for name in COLUMNS}


def _parsed(names: pa.Array) -> dict[str, pa.Array]:
    text = plain_array(names)
    text = pc.if_else(pc.match_substring_regex(text, NOT_A_NAME, ignore_case=True), None, text)
    is_chinese = pc.fill_null(pc.match_substring_regex(text, r"\p{Han}"), False)
    # each script by itself: no rule passes over names that it has nothing to do with
    chinese, latin = _chinese(text.filter(is_chinese)), _latin(text.filter(pc.invert(is_chinese)))
    order = np.argsort(~is_chinese.to_numpy(zero_copy_only=False), kind="stable")
    back = pa.array(np.argsort(order, kind="stable"))
    found = {
        name: pa.concat_arrays([chinese[name].cast(pa.string()), latin[name].cast(pa.string())]).take(back)
        for name in COLUMNS
        if name != "key"
    }
    return {**found, "key": _key(found)}


def _key(parts: dict[str, pa.Array]) -> pa.Array:
    filled = [pc.fill_null(parts[name], "") for name in ("brand", "trade", "place", "branch")]
    key = pc.utf8_lower(pc.binary_join_element_wise(*filled, "|"))
    return pc.if_else(pc.is_valid(parts["brand"]), key, None)


# ---- Chinese names


def _chinese(text: pa.Array) -> dict[str, pa.Array]:
    text = pc.replace_substring_regex(text, r"[\s·.,，、'\"“”《》<>]+", "")
    text = pc.replace_substring_regex(text, FORM_WITH_A_SLIP, "有限公司")
    text, bracket_place = _brackets(text)
    text, branch = _branch(text)
    text, form = _legal_form(text)
    text, country = _country_behind(text)
    bare, place, is_county = _places(text)
    bare = _without_parts_of_places(bare, place)
    rest, trade, is_stuck = _trades(bare)
    # 和平 in front of 鸟服饰 was no county: a brand of one character is none
    undone = pc.and_(is_stuck, is_county)
    again, more, _ = _trades(pc.if_else(undone, text, None))
    rest, trade = pc.coalesce(again, rest), pc.if_else(undone, more, trade)
    # what is left is a trade or a place: the company is called by place and trade (上海汽车, 中国银行, 浙江大学)
    is_trade = pc.and_(pc.and_(_member(rest, _trade_words()), pc.is_valid(place)), pc.invert(undone))
    front = pc.utf8_slice_codeunits(text, start=0, stop=MOST_PLACE_SIGNS)
    taken = pc.subtract(pc.utf8_length(text), pc.utf8_length(bare))
    rest = pc.if_else(is_trade, _joined(_first(front, taken), rest), rest)
    is_place = pc.and_(_member(rest, _place_names()), _member(form, _forms_of("institution")))
    rest, form = pc.if_else(is_place, _joined(rest, form), rest), pc.if_else(is_place, None, form)
    place = pc.coalesce(pc.if_else(undone, None, place), bracket_place, country)
    return {"place": place, "brand": _none(rest), "trade": _none(trade), "legal_form": form, "branch": branch}


def _joined(one: pa.Array, other: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(one, pc.fill_null(other, ""), "")


def _first(text: pa.Array, sizes: pa.Array) -> pa.Array:
    """As many characters of each text as its size says."""
    found = pa.nulls(len(text), pa.string())
    for size in pc.unique(pc.drop_null(sizes)).to_pylist():
        found = pc.if_else(pc.equal(sizes, size), pc.utf8_slice_codeunits(text, start=0, stop=size), found)
    return found


def _none(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), None, text)


def _brackets(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Without brackets: a place in them is told apart, a form stays in its place, all else (原名 …) goes."""
    inside = pc.struct_field(pc.extract_regex(text, r"[(\[【](?P<inside>[^()\[\]【】]*)[)\]】]"), "inside")
    is_place = _member(inside, _place_names() | frozenset(COUNTRIES))
    is_form = pc.fill_null(pc.match_substring_regex(inside, r"^(?:集团|控股|有限合伙|普通合伙|特殊普通合伙)$"), False)
    bare = pc.replace_substring_regex(text, r"[(\[【][^()\[\]【】]*[)\]】]", "")
    kept = pc.replace_substring_regex(text, r"[()\[\]【】]", "")
    text = pc.if_else(is_form, kept, bare)
    return text, pc.if_else(is_place, _short_places(inside), None)


def _branch(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """What stands behind the legal form and ends like a branch: …有限公司 | 苏州分公司."""
    words = _alternatives(row["term"] for row in rows_of("companies/branch_words") if not row["term"].isascii())
    pattern = (
        rf"^(?P<head>.+(?:公司|集团|银行|事务所|研究院|协会|医院|学校|大学|中心))(?P<branch>.{{0,16}}(?:{words}))$"
    )
    parts = pc.extract_regex(text, pattern)
    head, branch = pc.struct_field(parts, "head"), pc.struct_field(parts, "branch")
    return _bare_branch(pc.coalesce(head, text), branch)


def _bare_branch(text: pa.Array, branch: pa.Array) -> tuple[pa.Array, pa.Array]:
    """墨川数据苏州分公司: a branch of a company that is called without its legal form."""
    bare = pc.fill_null(pc.and_(pc.is_null(branch), pc.ends_with(text, "分公司")), False)
    if not pc.any(bare).as_py():
        return text, branch
    parts = ("华东", "华南", "华北", "华中", "西南", "西北", "东北")
    places = _alternatives([*parts, *(name for name in _place_names() if len(name) < MOST_PLACE_SIGNS // 6)])
    pattern = rf"^(?P<head>.{{2,}}?)(?P<branch>(?:(?:{places})市?)?分公司)$"
    parts = pc.extract_regex(text.filter(bare), pattern)
    head = pc.coalesce(pc.struct_field(parts, "head"), text.filter(bare))
    return pc.replace_with_mask(text, bare, head), pc.replace_with_mask(branch, bare, pc.struct_field(parts, "branch"))


def _legal_form(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The longest legal form at the end; before a partnership's the institution's (会计师事务所 + 特殊普通合伙)."""
    bodies = _forms_of("institution")
    forms = _forms_of("company", "partnership", "sole", "cooperative") | bodies
    long = frozenset(form for form in forms if len(form) > 1)
    whole, (text, form) = text, _suffix(text, long, least_left=SHORTEST_BRAND)
    # 馆, 行, 坊 end brands and trades too: 川味坊, 微橙银行
    _, trade = _suffix(whole, _trade_words(), least_left=SHORTEST_BRAND)
    open_text = pc.if_else(pc.or_(pc.is_valid(form), pc.is_valid(trade)), None, whole)
    rest, sign = _suffix(open_text, forms - long, least_left=SHORTEST_BRAND + 1)
    text, form = pc.coalesce(rest, text), pc.coalesce(form, sign)
    rest, body = _suffix(pc.if_else(_member(form, _forms_of("partnership")), text, None), bodies, least_left=2)
    return pc.coalesce(rest, text), pc.coalesce(_joined(body, form), form)


@cache
def _forms_of(*kinds: str) -> frozenset[str]:
    return frozenset(row["term"] for row in rows_of("companies/legal_forms") if row["kind"] in kinds)


def _places(text: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Divisions in front, the longest first: 广东省深圳市南山区….

    Returns:
        the rest, the last city or province named (else the district), and whether that is a county's short name.
    """
    text, found = _prefix(text, _leading_place_names(), least_left=2)
    place, is_county = _short_places(found), _member(found, _county_names())
    for _ in range(MOST_PLACES - 1):
        open_text = pc.if_else(pc.is_valid(found), text, None)
        rest, found = _prefix(open_text, _following_place_names(), least_left=2)
        text = pc.coalesce(rest, text)
        # a district does not take the place of its city
        short = pc.if_else(_member(found, _district_names()), None, _short_places(found))
        place = pc.coalesce(short, place)
    return text, place, is_county


def _country_behind(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """3M中国有限公司, 雀巢咖啡中国: the country behind the brand is no trade."""
    return _suffix(text, ("中国", "大中华区", "中国区"), least_left=SHORTEST_BRAND)


# a town or a zone between a place and a brand: 小榄镇, 张江高新区; 小镇 and 古镇 are words of brands
_PART_OF_PLACE = (
    r"^(?:\p{Han}{1,2}[^小古]镇|\p{Han}{2,3}街道|\p{Han}{0,4}?(?:经济技术开发区|高新技术产业开发区|高新技术开发区|经济开发区|"
    r"开发区|高新区|经开区|保税港区|保税区|自贸区|工业园区|产业园区|工业区|产业集聚区|示范区|度假区)|前海|横琴|仲恺|临港|松山湖)(?P<rest>\p{Han}{4,})$"
)


def _without_parts_of_places(text: pa.Array, place: pa.Array) -> pa.Array:
    """What follows upon a place and lies in it, as long as a brand is left: towns, zones, districts without 区.

    宁波 | 海曙 | 腾飞物流: the short name of a district of the very place; but 重庆 | 长安汽车, which is a district of
    Xi'an, and 杭州 | 西湖电子, where nothing else could be the brand.
    """
    has_place = pc.is_valid(place)
    some = pc.if_else(has_place, text, None)
    rest = pc.struct_field(pc.extract_regex(some, _PART_OF_PLACE), "rest")
    text = pc.coalesce(rest, text)
    both = pc.if_else(has_place, _joined(place, text), None)
    parts, district = _prefix(both, _places_with_district(), least_left=4)
    found = pc.is_valid(district)
    if not pc.any(found).as_py():
        return text
    left = parts.filter(found)
    for _ in range(MOST_TRADES):
        left, word = _suffix(left, _trade_words(), least_left=0)
        if not pc.any(pc.is_valid(word)).as_py():
            break
    has_brand = pc.greater_equal(pc.utf8_length(left), SHORTEST_BRAND)
    kept = pc.if_else(has_brand, parts.filter(found), text.filter(found))
    return pc.replace_with_mask(text, found, kept)


@cache
def _places_with_district() -> frozenset[str]:
    """宁波海曙, 浙江海曙: a city or province with the short name of a district in it."""
    found = set()
    for region in regions.regions():
        if region.level == regions.DISTRICT:
            short = regions.short_name(region.name)
            above = {regions.short_name(region.city), regions.short_name(region.province)}
            found |= {name + short for name in above if len(short) >= SHORTEST_BRAND and short != name}
    return frozenset(found)


def _trades(text: pa.Array) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Trade words at the end, as long as a brand is left before them.

    Returns:
        the rest, the trade words, and whether one more would have left a single character.
    """
    trade = pa.array([""] * len(text), pa.string())
    for _ in range(MOST_TRADES):
        text, found = _suffix(text, _trade_words(), least_left=SHORTEST_BRAND)
        if not pc.any(pc.is_valid(found)).as_py():
            break
        trade = pc.binary_join_element_wise(pc.fill_null(found, ""), trade, "")
    return text, trade, _member(pc.utf8_slice_codeunits(text, start=1), _trade_words())


@cache
def _trade_words() -> frozenset[str]:
    return frozenset(row["term"] for row in rows_of("companies/trade_words"))


def _suffix(text: pa.Array, words: Iterable[str], *, least_left: int) -> tuple[pa.Array, pa.Array]:
    """Takes the longest of the words off the end where at least so many characters are left; (rest, word or null)."""
    return _taken(text, words, least_left, at_end=True)


def _prefix(text: pa.Array, words: Iterable[str], *, least_left: int) -> tuple[pa.Array, pa.Array]:
    """The same in front."""
    return _taken(text, words, least_left, at_end=False)


def _taken(text: pa.Array, words: Iterable[str], least_left: int, *, at_end: bool) -> tuple[pa.Array, pa.Array]:
    by_length: dict[int, list[str]] = {}
    for word in words:
        by_length.setdefault(len(word), []).append(word)
    length = pc.fill_null(pc.utf8_length(text), 0)
    taken = np.zeros(len(text), dtype=np.int64)
    lengths = length.to_numpy(zero_copy_only=False)
    for size in sorted(by_length, reverse=True):
        open_rows = np.flatnonzero((taken == 0) & (lengths >= size + least_left))
        if not len(open_rows):
            continue
        some = text.take(pa.array(open_rows))
        piece = (
            pc.utf8_slice_codeunits(some, start=-size) if at_end else pc.utf8_slice_codeunits(some, start=0, stop=size)
        )
        hit = _member(piece, frozenset(by_length[size])).to_numpy(zero_copy_only=False)
        taken[open_rows[hit]] = size
    sizes = pa.array(taken)
    rest, word = text, pa.nulls(len(text), pa.string())
    for size in np.unique(taken[taken > 0]).tolist():
        is_size = pc.equal(sizes, size)
        if at_end:
            cut = pc.utf8_slice_codeunits(text, start=0, stop=-size)
            piece = pc.utf8_slice_codeunits(text, start=-size)
        else:
            cut = pc.utf8_slice_codeunits(text, start=size)
            piece = pc.utf8_slice_codeunits(text, start=0, stop=size)
        rest, word = pc.if_else(is_size, cut, rest), pc.if_else(is_size, piece, word)
    return rest, word


def _member(values: pa.Array, words: frozenset[str]) -> pa.Array:
    return pc.is_in(values, value_set=_value_set(words))


@cache
def _value_set(words: frozenset[str]) -> pa.Array:
    return pa.array(sorted(words))


@cache
def _place_names() -> frozenset[str]:
    return frozenset(regions.names())


@cache
def _leading_place_names() -> frozenset[str]:
    """Names that may open a company's name: of a district only the full one, or it would eat brands (长安)."""
    found = set(COUNTRIES)
    for name, places in regions.names().items():
        if any(full or place.level != regions.DISTRICT or place.name[-1] in "市县" for place, full in places):
            found.add(name)
    return frozenset(found - regions.brand_like())


@cache
def _following_place_names() -> frozenset[str]:
    """Names that may follow upon a place: full ones, and of a city also the short one (广东深圳…)."""
    found = set()
    for name, places in regions.names().items():
        if any(full or place.level == regions.CITY for place, full in places):
            found.add(name)
    return frozenset(found - regions.brand_like())


@cache
def _county_names() -> frozenset[str]:
    """Short names of counties and nothing above them."""
    return frozenset(
        name
        for name, places in regions.names().items()
        if all(place.level == regions.DISTRICT and not full for place, full in places)
    )


@cache
def _district_names() -> frozenset[str]:
    return frozenset(
        name
        for name, places in regions.names().items()
        if all(place.level == regions.DISTRICT and place.name[-1] in "区旗" for place, _ in places)
    )


def _short_places(names: pa.Array) -> pa.Array:
    """Divisions without 省, 市 …, by a look-up."""
    full, short = _shorts()
    at = pc.index_in(names, value_set=full)
    return pc.coalesce(short.take(at), names)


@cache
def _shorts() -> tuple[pa.Array, pa.Array]:
    names = sorted(_place_names())
    return pa.array(names), pa.array([_place_meant(name) for name in names])


def _place_meant(name: str) -> str:
    """The short name; of a zone that spans districts the city's (苏州工业园区)."""
    cities = {place for place, _ in regions.names().get(name, ()) if place.level == regions.CITY}
    is_zone = name.endswith("区") and len(cities) == 1
    return regions.short_name(cities.pop().name if is_zone else name)


# ---- English names


def _latin(text: pa.Array) -> dict[str, pa.Array]:
    low = pc.utf8_lower(text)
    low = pc.replace_substring_regex(low, r"\((?:the|class [a-z]|formerly [^)]*)\)", " ")
    places = _alternatives(["china", *regions.latin_names()])
    in_brackets = pc.struct_field(pc.extract_regex(low, rf"\((?P<place>{places})\)"), "place")
    low = pc.replace_substring_regex(low, rf"\((?:{places})\)", " ")
    low = pc.replace_substring_regex(low, r"[()]", " ")
    low = pc.utf8_trim_whitespace(pc.replace_substring_regex(low, r"[\s,;\"]+", " "))
    # behind the legal form: … Co., Ltd. Suzhou Branch
    forms = _alternatives(re.sub(r"[\s,]+", " ", form) for form in _forms_of("english"))
    parts = pc.extract_regex(
        low, rf"^(?P<head>.*[ .](?:{forms})[. ]+)(?P<branch>(?:(?:{places}) )?branch(?: office)?)$"
    )
    branch = pc.struct_field(parts, "branch")
    low = pc.coalesce(pc.struct_field(parts, "head"), low)
    parts = pc.extract_regex(low, rf"^(?P<rest>.*?[a-z0-9].*?)(?P<form>(?:[ .]+(?:{forms}))*)[ .]*$")
    rest, form = pc.struct_field(parts, "rest"), pc.struct_field(parts, "form")
    rest = pc.replace_substring_regex(rest, r"^the ", "")
    parts = pc.extract_regex(rest, rf"^(?P<place>(?:(?:{places}) )*)(?P<rest>.+)$")
    place, rest = pc.struct_field(parts, "place"), pc.struct_field(parts, "rest")
    trades = _alternatives(row["term"] for row in rows_of("companies/trade_words_en"))
    parts = pc.extract_regex(rest, rf"^(?P<brand>.+?)(?P<trade>(?: (?:and |& )?(?:{trades}))*)$")
    brand, trade = pc.struct_field(parts, "brand"), pc.struct_field(parts, "trade")
    told = {"place": place, "brand": brand, "trade": trade, "legal_form": form}
    cleaned = {name: _none(pc.utf8_trim(values, " .&-")) for name, values in told.items()}
    return {**cleaned, "place": pc.coalesce(cleaned["place"], in_brackets), "branch": branch}


def _alternatives(terms: Iterable[str]) -> str:
    """A pattern of any of the terms, the longest first: the engine takes the first that fits."""
    return "|".join(re.escape(term) for term in sorted(set(terms), key=lambda term: (-len(term), term)))
