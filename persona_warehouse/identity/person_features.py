"""Records of persons in the form in which they are compared: every value read once, by dictionaries that are kept."""

from __future__ import annotations

import duckdb

from persona_warehouse.identity.facts import COMPANY_NAMES
from persona_warehouse.identity.normalise import TITLES, Dictionary, fill_dictionary
from persona_warehouse.identity.person_model import BLOCKS
from persona_warehouse.recognise.person_names import forms_of, is_pinyin_surname, pinyin_surnames, read_person_name
from persona_warehouse.recognise.text import has_han
from persona_warehouse.recognise.titles import UNKNOWN
from persona_warehouse.recognise.vocabulary import rows_of

# columns of the records that are given to be compared; what a source does not have is null
RECORD_COLUMNS = {
    "node": "varchar",
    "entity": "varchar",  # records known to be of one person share it
    "full_name": "varchar",
    "email": "varchar",  # as identity.emails has it; of a distribution list null
    "email_domain": "varchar",
    "is_free_mail": "boolean",
    "phone": "varchar",  # E.164; of a switchboard null
    "unionid": "varchar",
    "openid": "varchar",
    "user_id": "varchar",
    "company": "varchar",  # a key, when the company is known
    "company_name": "varchar",
    "company_domain": "varchar",
    "city": "varchar",
    "job_title": "varchar",
    "birth_date": "varchar",  # ISO
}


def name_parts(raw: str) -> tuple[object, ...] | None:
    """(name, family, given, key, Chinese, Western, forms of the given name), or None for what is no name."""
    name = read_person_name(raw)
    if name is None:
        return None
    is_han = has_han(name.full)
    is_western = not is_han and not is_pinyin_surname(name.family_latin)
    forms = sorted(forms_of(name.given_latin)) if not is_han else []
    return (
        name.full.lower(), name.family_latin, name.given_latin, name.key if name.is_whole else None, is_han,
        is_western, forms if len(forms) > 1 else None,
    )  # fmt: skip


PERSON_NAMES = Dictionary(
    "person_names",
    {
        "name": "varchar",
        "family": "varchar",
        "given": "varchar",
        "name_key": "varchar",
        "is_han": "boolean",
        "is_western": "boolean",
        "given_forms": "varchar[]",
    },
    "",
    name_parts,
)


def fill_names(connection: duckdb.DuckDBPyConnection, raw_values: str) -> None:
    """Adds the names of a query (raw) that identity.person_names has not."""
    fill_dictionary(connection, PERSON_NAMES, raw_values)


def read_companies(connection: duckdb.DuckDBPyConnection, raw_values: str) -> None:
    """Adds the company names of a query (raw) that identity.company_names has not."""
    fill_dictionary(connection, COMPANY_NAMES, f"select distinct raw from ({raw_values}) where raw is not null")


def make_features(connection: duckdb.DuckDBPyConnection, records: str, out: str) -> None:
    """Writes `out`: the columns that the person model compares, and its blocks, for records of RECORD_COLUMNS."""
    fill_names(connection, _distinct(records, "full_name"))
    fill_dictionary(connection, TITLES, _distinct(records, "job_title"))
    read_companies(connection, _distinct(records, "company_name"))
    posts = ", ".join(f"'{row['term']}'" for row in rows_of("people/post_mailboxes"))
    blocks = ",\n".join(f"{sql} as block_{name}" for name, (sql, _) in BLOCKS.items())
    families = ", ".join(f"'{family}'" for family in sorted(pinyin_surnames()))
    connection.execute(rf"""
    create or replace temp table {out} as
    with read as (
        select r.node, r.entity, n.name, n.family, n.given, n.name_key, n.is_han, n.is_western, n.given_forms,
               r.email,
               case when split_part(r.email, '@', 1) not in ({posts}) then split_part(r.email, '@', 1) end
                   as email_local,
               case when not r.is_free_mail then r.email_domain end as email_domain,
               r.phone, r.unionid, r.openid, r.user_id,
               coalesce(r.company, c.key) as company, lower(c.brand) as brand,
               concat(c.place, c.trade, c.legal_form, c.branch) = '' as is_brand_alone,
               coalesce(r.company_domain, case when not r.is_free_mail then r.email_domain end) as company_domain,
               lower(regexp_replace(r.city, '(市|地区|\s+)$', '')) as city,
               nullif(t.job_function, '{UNKNOWN}') as job_function, nullif(t.seniority, '{UNKNOWN}') as seniority,
               r.birth_date
        from {records} as r
        left join identity.person_names as n on n.raw = r.full_name
        left join identity.{TITLES.name} as t on t.raw = r.job_title
        left join identity.company_names as c on c.raw = r.company_name
    ),
    -- 王总 whose address is siyuan.wang@ is Wang Siyuan; of somebody without a name too, when one word is a family name
    addressed as (
        select node, words, coalesce(
                   case when list_contains(words, family) then family end,
                   case when name is null and len(list_filter(words, lambda word: word in ({families}))) = 1
                        then list_filter(words, lambda word: word in ({families}))[1] end,
                   case when len(words) = 1 and starts_with(words[1], family) then family end
               ) as own_family
        from (
            select node, name, family,
                   list_filter(regexp_split_to_array(email_local, '[^a-z]+'), lambda word: word <> '') as words
            from read
            where email_local is not null and (name is null or (given = '' and family <> ''))
        )
        where len(words) between 1 and 2
    ),
    completed as (
        select node, own_family,
               case when len(words) = 2 then list_filter(words, lambda word: word <> own_family)[1]
                    else substr(words[1], length(own_family) + 1) end as own_given
        from addressed
        where own_family is not null
    ),
    named as (
        select r.* replace (
                   coalesce(c.own_given || ' ' || c.own_family, r.name) as name,
                   coalesce(c.own_family, r.family) as family,
                   coalesce(c.own_given, r.given) as given,
                   coalesce(c.own_family || '|' || c.own_given, r.name_key) as name_key,
                   case when c.node is null then r.is_han else false end as is_han,
                   case when c.node is null then r.is_western else false end as is_western
               )
        from read as r left join completed as c on c.node = r.node and length(c.own_given) >= 2
    )
    select *, {blocks} from named""")


def _distinct(records: str, column: str) -> str:
    return f"select distinct {column} as raw from {records} where {column} is not null"


def crowded_blocks(connection: duckdb.DuckDBPyConnection, features: str, out: str) -> None:
    """Writes the table `out`(block, value): values that too many records share to be compared for them alone."""
    parts = " union all ".join(
        f"select '{name}' as block, block_{name} as value from {features} where block_{name} is not null "
        f"group by block_{name} having count(*) > {most}"
        for name, (_, most) in BLOCKS.items()
    )
    connection.execute(f"create or replace table {out} as {parts}")


def thin_blocks(connection: duckdb.DuckDBPyConnection, features: str, crowded: str) -> None:
    """Takes crowded values out of the blocks of a table of features."""
    names = [row[0] for row in connection.execute(f"select distinct block from {crowded} order by all").fetchall()]
    if names:
        sets = ", ".join(
            f"block_{name} = case when block_{name} not in (select value from {crowded} where block = '{name}') "
            f"then block_{name} end"
            for name in names
        )
        connection.execute(f"update {features} set {sets}")
