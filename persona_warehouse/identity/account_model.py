"""How two records of companies are compared: brand, trade, place, domain, and people they have in common.

The values are judgements about company names and how people write them, not fitted to a file. How common a brand is
and how many companies there are is learnt, and nothing else: what a sample of strangers shows of agreements as rare as
these is chance.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

from persona_warehouse.identity.linkage import Comparison, Design, Level

# of the short names that salespeople type, so many mean a company that is known
MEANT = 0.93
# below this many records the prior is the one for this many
FEW = 1_000

BOTH_FULL = "is_full_l and is_full_r"
SAME_SCRIPT = "is_latin_l = is_latin_r"
SAME_CITY = "city_l = city_r"
NAMED = "has_named_place_l and has_named_place_r"
SHARE_A_PERSON = "coalesce(list_has_any(people_l, people_r), false)"
SHARE_A_DOMAIN = "coalesce(domain_l = domain_r, false)"


def _either(condition: str) -> str:
    """The condition, or the same with the sides changed."""
    other = re.sub(r"_([lr])\b", lambda side: "_r" if side[1] == "l" else "_l", condition)
    return f"(({condition}) or ({other}))"


# a sign differs, is missing, or has changed places with its neighbour
SLIP = (
    "(damerau_levenshtein({0}_l, {0}_r) <= 1 and least(length({0}_l), length({0}_r)) >= {1}"
    " and regexp_replace({0}_l, '[^0-9]', '', 'g') = regexp_replace({0}_r, '[^0-9]', '', 'g'))"
)
SWAPPED = f"({SAME_SCRIPT} and not is_latin_l and anagram_l = anagram_r and length(core_l) >= 4)"
# 星河智能 and 星河智造科技: every sign of the one, in order, in the other, the first the same
SHORTENED = _either("regexp_matches(trade_r, trade_pattern_l)")
IN_ORDER = _either(
    "not is_latin_l and not is_latin_r and not is_full_l and length(core_l) >= 4 and left(core_l, 1) = left(core_r, 1) "
    "and regexp_matches(core_r, core_pattern_l)"
)
CONTAINED = _either(
    "not is_latin_l and not is_latin_r and not is_full_l and length(core_l) >= 4 and left(core_l, 1) = left(core_r, 1) "
    "and len(list_intersect(string_split(core_l, ''), string_split(core_r, ''))) "
    "= len(list_distinct(string_split(core_l, '')))"
)
OTHER_SCRIPT = _either("is_latin_l and not is_latin_r and (sound_l = sound_r or word_l = sound_r)")


def brands(unknown_share: float) -> Comparison:
    """Brands; `unknown_share` is u of a short name's brand, such that the brand alone makes MEANT of the prior."""
    return Comparison(
        "brand",
        "brand_l is null or brand_r is null",
        (
            Level(
                "a short name of that brand",
                f"brand_l = brand_r and not ({BOTH_FULL})",
                0.95,
                unknown_share,
            ),
            Level("same brand", "brand_l = brand_r", 0.8, 2e-4, "brand"),
            Level("whole name differs by a slip", SLIP.format("squeezed", 6), 0.06, 2e-6),
            Level("signs changed places", SWAPPED, 0.04, 2e-6),
            Level("same brand in Pinyin", OTHER_SCRIPT, 0.7, 4e-4, "sound"),
            Level("brand sounds the same", f"{SAME_SCRIPT} and sound_l = sound_r", 0.02, 4e-4, "sound"),
            Level("brand looks the same", "shape_l = shape_r", 0.02, 2e-4),
            Level("brand differs by a slip", SLIP.format("brand", 4), 0.02, 1e-4),
            Level(
                "signs of the brand changed places",
                "not is_latin_l and length(brand_l) = 2 and brand_l = reverse(brand_r)",
                0.01,
                1e-4,
            ),
            Level(
                "one brand begins with the other",
                f"{SAME_SCRIPT} and (starts_with(core_l, core_r) or starts_with(core_r, core_l)) "
                "and least(length(core_l), length(core_r)) >= 3",
                0.05,
                1e-4,
            ),
            Level("every sign of the short name in the long one, in order", IN_ORDER, 0.1, 8e-6),
            Level("every sign of the short name in the long one", CONTAINED, 0.04, 1e-5),
            # an English name need not spell the Chinese one
            Level("brand in another script", "is_latin_l <> is_latin_r", 0.3, 1.0),
            Level("other brand", "ELSE", 0.01, 0.99),
        ),
    )


TRADES = Comparison(
    "trade",
    "trade_l is null or trade_r is null",
    (
        Level("same trade", "trade_l = trade_r", 0.6, 0.03),
        Level("one trade shortens the other", f"{SAME_SCRIPT} and {SHORTENED}", 0.2, 0.03),
        Level(
            "same section, in another script",
            "is_latin_l <> is_latin_r and list_has_any(sections_l, sections_r)",
            0.5,
            0.15,
        ),
        Level("other section, in another script", "is_latin_l <> is_latin_r", 0.08, 0.85),
        Level("other trade, both names whole", BOTH_FULL, 0.005, 0.5),
        Level(
            "trades have a sign in common",
            "len(list_intersect(string_split(trade_l, ''), string_split(trade_r, ''))) > 0",
            0.06,
            0.12,
        ),
        Level("other trade", "ELSE", 0.008, 0.8),
    ),
)

OTHER_TRADES = ("other trade, both names whole", "other trade")

PLACES = Comparison(
    "place",
    "province_l is null or province_r is null",
    (
        Level("same city", SAME_CITY, 0.75, 0.12),
        Level(
            "same province, one city unknown",
            "province_l = province_r and (city_l is null or city_r is null)",
            0.15,
            0.1,
        ),
        Level("other place", NAMED, 0.01, 0.8),
        # where a company works is often not where it is registered
        Level("other place, one of them not in the name", "ELSE", 0.12, 0.8),
    ),
)

DOMAINS = Comparison(
    "domain",
    "domain_l is null or domain_r is null",
    (
        Level("same domain", "domain_l = domain_r", 0.5, 1e-4),
        Level("other domain", "ELSE", 0.15, 1.0),
    ),
)

PEOPLE = Comparison(
    "people",
    "people_l is null or people_r is null",
    (
        Level("a person in common", SHARE_A_PERSON, 0.3, 2e-5),
        Level("nobody in common", "ELSE", 0.7, 1.0),
    ),
)

# what two records must share to be compared at all: an expression over their columns, and how many records may share
# a value before it says too little
BLOCKS = {
    "brand": ("brand", 60),
    "brand_city": ("brand || ' ' || city", 150),
    "brand_trade": ("brand || ' ' || trade", 150),
    "name": ("squeezed", 300),
    "sound": ("sound", 40),
    "word": ("word", 40),
    "shape": ("shape", 60),
    "reverse": ("case when not is_latin and length(brand) = 2 then least(brand, reverse(brand)) end", 60),
    "anagram": ("case when not is_latin and length(core) >= 4 then anagram end", 60),
    "front": ("case when length(squeezed) >= 4 then left(squeezed, case when is_latin then 6 else 3 end) end", 40),
    "without_first": ("case when length(squeezed) >= 6 then substr(squeezed, 2) end", 60),
    "without_second": ("case when length(squeezed) >= 6 then left(squeezed, 1) || substr(squeezed, 3) end", 60),
    "front_pair": ("case when not is_latin and length(core) >= 4 then left(core, 2) end", 60),
    # 穹汽原配 of 穹原汽配
    "first_three": (
        "case when not is_latin and length(core) >= 4 "
        "then array_to_string(list_sort(string_split(left(core, 3), '')), '') end",
        40,
    ),
    "ends": ("case when not is_latin and length(core) >= 4 then left(core, 1) || right(core, 1) || city end", 40),
    "domain": ("domain", 60),
}


def account_design(records: int) -> Design:
    """The design for so many companies.

    Args:
        records: companies that the keys tell apart.
    """
    prior = 1 / max(records, 2)
    unknown_share = 0.95 * prior / (1 - prior) * (1 - MEANT) / MEANT
    return Design(
        tuple(_as_they_stand(each) for each in (brands(unknown_share), TRADES, PLACES, DOMAINS, PEOPLE)),
        tuple(f"l.block_{name} = r.block_{name}" for name in BLOCKS),
    )


def _as_they_stand(comparison: Comparison) -> Comparison:
    return replace(comparison, levels=tuple(replace(level, is_fixed=True) for level in comparison.levels))


def _gammas(comparison: Comparison, labels: Container[str]) -> list[str]:
    """What a scored pair says where one of these levels holds."""
    highest = len(comparison.levels) - 1
    return [str(highest - at) for at, level in enumerate(comparison.levels) if level.label in labels]


def names_sql() -> str:
    """What the names and keys of a scored pair (aliases s, l, r) say: 1 agree, -1 disagree, -2 never one, else 0.

    Two codes, a branch and its house, and, of what shares no key, two places in the names are two companies. Another
    trade than that of a whole name is another name; two short names may each have kept another half of one trade.
    """
    shared = " or ".join(
        (
            "coalesce(l.domain = r.domain, false)",
            "coalesce(list_has_any(l.people, r.people), false)",
        )
    )
    return f"""case
        when l.uscc <> r.uscc or l.branch is distinct from r.branch then -2
        when l.has_named_place and r.has_named_place and (l.province <> r.province or l.city <> r.city)
            and not ({shared}) then -2
        when s.gamma_trade in ({", ".join(_gammas(TRADES, OTHER_TRADES))}) and (l.is_full or r.is_full)
            and not ({shared}) then -1
        when s.gamma_brand = 0 then -1
        when s.gamma_brand > 1 then 1
        else 0 end"""
