"""How records of companies are compared by their names, and when two may not be one whatever the score.

A registered name is place + brand + trade + legal form (recognise.companies). The brand must agree, up to one slip of
the pen or the other script; a place or a trade may be missing, but not contradict; a branch is a child of its company.
"""

from __future__ import annotations

from persona_warehouse.identity.linkage import Comparison, Design, Level


def _known(column: str) -> str:
    return f"{column}_l is null or {column}_r is null"


BRAND = Comparison(
    "brand",
    _known("brand"),
    (
        # within one place no two companies of one trade are registered under one name (企业名称登记管理规定)
        Level("same registered name", "name_key_l = name_key_r", 0.40, 0.0000002, is_fixed=True),
        Level("same brand", "brand_l = brand_r", 0.42, 0.001, frequency="brand"),
        Level("brand sounds the same", "brand_sound_l = brand_sound_r", 0.07, 0.0005),
        Level(
            "brand differs by one slip",
            "least(length(brand_l), length(brand_r)) >= 3 and damerau_levenshtein(brand_l, brand_r) = 1",
            0.05,
            0.001,
        ),
        Level(
            "one brand begins with the other",
            "least(length(brand_l), length(brand_r)) >= 2"
            " and (starts_with(brand_l, brand_r) or starts_with(brand_r, brand_l))",
            0.05,
            0.002,
        ),
        Level("other brand", "ELSE", 0.03, 0.9955, is_fixed=True),
    ),
)
TRADE = Comparison(
    "trade",
    _known("trade"),
    (
        Level("same trade", "trade_l = trade_r", 0.85, 0.06),
        Level("trades overlap", "contains(trade_l, trade_r) or contains(trade_r, trade_l)", 0.10, 0.04),
        Level("same line of business", "trade_section_l = trade_section_r", 0.03, 0.08),
        Level("other trade", "ELSE", 0.02, 0.82),
    ),
)
PLACE = Comparison(
    "place",
    _known("place"),
    (Level("same place", "place_l = place_r", 0.97, 0.12), Level("other place", "ELSE", 0.03, 0.88)),
)
DOMAIN = Comparison(
    "domain",
    _known("domain"),
    (Level("same domain", "domain_l = domain_r", 0.90, 0.0005), Level("other domain", "ELSE", 0.10, 0.9995)),
)
PEOPLE = Comparison(
    "people",
    _known("people_domain"),
    (
        Level("their people have addresses at one domain", "people_domain_l = people_domain_r", 0.90, 0.0005),
        Level("their people have addresses at other domains", "ELSE", 0.10, 0.9995),
    ),
)
INDUSTRY = Comparison(
    "industry",
    _known("industry"),
    (Level("same industry", "industry_l = industry_r", 0.85, 0.15), Level("other industry", "ELSE", 0.15, 0.85)),
)

COMPANY_DESIGN = Design(
    comparisons=(BRAND, TRADE, PLACE, DOMAIN, PEOPLE, INDUSTRY),
    blocking=(
        "l.brand = r.brand",
        "l.brand_sound = r.brand_sound",
        "l.domain = r.domain",
        "l.people_domain = r.people_domain",
        "l.brand_start = r.brand_start and l.place = r.place",
        "l.trade = r.trade and l.place = r.place and l.brand_end = r.brand_end",
        "l.trade = r.trade and l.place = r.place and l.brand_start = r.brand_start",
    ),
    certain=("l.domain = r.domain", "l.brand = r.brand and l.trade = r.trade and l.place = r.place"),
    training=("l.domain = r.domain", "l.brand = r.brand"),
)

# of two records; what holds keeps them apart unless a key has joined them
APART = """
    uscc_l <> uscc_r
    or province_l <> province_r
    or place_l <> place_r
    or branch_l is distinct from branch_r
    or (domain_l <> domain_r and trade_l is distinct from trade_r)
    or (not contains(trade_l, trade_r) and not contains(trade_r, trade_l) and domain_l is distinct from domain_r
        and trade_section_l is distinct from trade_section_r)
"""


def names_sql() -> str:
    """SQL over a scored pair with its levels: 1 where the brands agree, -1 where they do not, 0 when unknown."""
    highest = len(BRAND.levels) - 1
    return (
        f"case when gamma_brand >= {highest - 3} then 1 when gamma_brand = 1 then 0"
        " when gamma_brand = 0 then -1 else 0 end"
    )
