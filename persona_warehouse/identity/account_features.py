"""Records of companies in the form in which they are compared: every name, place and trade read once.

What is compared is one row for each name that a company of the keys bears: a thousand leads that typed the same name
are one row.
"""

from __future__ import annotations

from functools import cache

import duckdb

from persona_warehouse.identity.account_model import BLOCKS
from persona_warehouse.identity.normalise import Dictionary, fill_dictionary
from persona_warehouse.identity.person_features import read_companies
from persona_warehouse.recognise.company_words import place_of, sections_of, sound_of
from persona_warehouse.recognise.vocabulary import rows_of

# a person whom more companies than this know is no sign that two of them are one
MOST_EMPLOYERS = 3
SHORTEST_BRAND = 2


BRANDS = Dictionary("company_brands", {"sound": "varchar", "word": "varchar"}, "", sound_of)
PLACES = Dictionary("company_places", {"province": "varchar", "city": "varchar"}, "", place_of)
TRADES = Dictionary("company_trades", {"sections": "varchar[]"}, "", sections_of)


@cache
def _lookalikes() -> tuple[str, str]:
    """Signs that are taken for each other, and the one that stands for them all."""
    pairs = [(sign, row["signs"][0]) for row in rows_of("companies/lookalikes") for sign in row["signs"][1:]]
    return "".join(sign for sign, _ in pairs), "".join(one for _, one in pairs)


def read_names(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    """Adds the names of a table (company_name), their brands, trades and places to the dictionaries."""
    read_companies(connection, f"select company_name as raw from {records}")
    for dictionary, column in ((BRANDS, "lower(brand)"), (TRADES, "trade"), (PLACES, "place")):
        fill_dictionary(
            connection, dictionary,
            f"select distinct {column} as raw from identity.company_names where {column} is not null",
        )  # fmt: skip


def read_places(connection: duckdb.DuckDBPyConnection, raw_values: str) -> None:
    """Adds names of divisions of a query (raw)."""
    fill_dictionary(connection, PLACES, raw_values)


def name_parts(connection: duckdb.DuckDBPyConnection, records: str, out: str) -> None:
    """Writes `out`(raw, …): the names of a table (company_name) as they are compared; only those with a brand."""
    read_names(connection, records)
    signs, stand = _lookalikes()
    connection.execute(rf"""
    create or replace temp table {out} as
    with used as (
        select n.* replace (lower(n.brand) as brand, lower(n.trade) as trade, lower(n.branch) as branch),
               not regexp_matches(n.raw, '\p{{Han}}') as is_latin
        from identity.company_names as n
        where n.raw in (select company_name from {records}) and length(n.brand) >= {SHORTEST_BRAND}
    ),
    plain as (
        select u.*, u.legal_form is not null as is_full,
               regexp_replace(concat(u.brand, u.trade), '[\s&.,·-]+', '', 'g') as core,
               regexp_replace(concat(u.brand, u.trade, lower(u.legal_form)), '[\s&.,·-]+', '', 'g') as squeezed,
               nullif(b.sound, '') as sound, nullif(b.word, '') as word, t.sections, p.province, p.city
        from used as u
        left join identity.company_brands as b on b.raw = u.brand
        left join identity.company_trades as t on t.raw = u.trade
        left join identity.company_places as p on p.raw = u.place
    )
    select raw, brand, trade, place, branch, is_latin, is_full, core, squeezed, sound, word, sections, province, city,
           translate(brand, '{signs}', '{stand}') as shape,
           array_to_string(list_sort(string_split(core, '')), '') as anagram,
           case when not is_latin then {_pattern("trade")} end as trade_pattern,
           case when not is_latin then {_pattern("core")} end as core_pattern
    from plain""")


def _pattern(column: str) -> str:
    """SQL: a pattern that finds the signs of a text in their order, whatever stands between."""
    signs = rf"list_filter(string_split({column}, ''), lambda c: regexp_matches(c, '[\p{{L}}\p{{N}}]'))"
    return f"array_to_string({signs}, '.*')"


def make_features(connection: duckdb.DuckDBPyConnection, records: str, out: str) -> None:
    """Writes `out`: what the account model compares, and its blocks.

    Args:
        records: (node, entity, company_name, uscc, any_domain, province_code, city_code, people); `entity` is one for
            the records that the keys make one company.
    """
    blocks = ",\n".join(f"{sql} as block_{name}" for name, (sql, _) in BLOCKS.items())
    connection.execute(f"""
    create or replace temp table {out} as
    with named as (
        select r.node, r.entity, r.uscc, r.any_domain, r.province_code, r.city_code, r.people, n.*
        from {records} as r left join account_names as n on n.raw = r.company_name
    ),
    codes as (select entity, min(uscc) as uscc from named group by entity),
    -- one row a name; what has a name makes rows without one needless
    merged as (
        select min(node) as node, entity, squeezed, branch, place, min(raw) as raw, min(any_domain) as domain,
               case when count(distinct city_code) = 1 and count(distinct province_code) = 1 then min(city_code) end
                   as city_code,
               case when count(distinct province_code) = 1 then min(province_code) end as province_code,
               nullif(list_sort(list_distinct(flatten(list(people) filter (where people is not null)))), [])
                   as people
        from named
        group by entity, squeezed, branch, place
        qualify squeezed is not null or count(squeezed) over (partition by entity) = 0
    ),
    featured as (
        select m.node, m.entity, c.uscc, n.brand, n.trade, n.branch, coalesce(n.is_latin, false) as is_latin,
               coalesce(n.is_full, false) as is_full, n.core, n.squeezed, n.sound, n.word, n.sections, n.shape,
               n.anagram, n.trade_pattern, n.core_pattern, n.province is not null as has_named_place,
               coalesce(n.province, m.province_code) as province,
               case when n.province is not null and (n.city is not null or n.province <> m.province_code
                                                     or m.province_code is null) then n.city
                    else m.city_code end as city,
               m.domain, m.people
        from merged as m join codes as c using (entity)
        left join account_names as n on n.raw = m.raw
    )
    select *, {blocks} from featured""")
