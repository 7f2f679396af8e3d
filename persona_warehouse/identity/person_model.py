"""How two records of persons are compared: names over both scripts, addresses, numbers, employers, duties.

The values are judgements about people and what they type, not fitted to a file; `linkage.train` moves them where there
is enough to learn from.
"""

from __future__ import annotations

from collections.abc import Container

from persona_warehouse.identity.linkage import Comparison, Design, Level

WHOLE = "name_key_l is not null and name_key_r is not null"
NEAR = "jaro_winkler_similarity({0}_l, {0}_r) >= {1}"
SAME = "{0}_l = {0}_r"
# the last levels of NAMES, of another given name, are no agreement: brothers share a family name, and twins a birthday
DISAGREE = 1
OTHER_MAILBOX = "other e-mail at the same company"
BOTH_WESTERN = "is_western_l and is_western_r"


def _same(*columns: str) -> str:
    return " and ".join(SAME.format(column) for column in columns)


def _unknown(column: str) -> str:
    return f"{column}_l is null or {column}_r is null"


def _digits(column: str) -> str:
    return f"regexp_replace({column}, '[^0-9]', '', 'g')"


def _hamming(column: str) -> str:
    """One sign of three differs, in Chinese."""
    return (
        f"is_han_l and is_han_r and length({column}_l) = length({column}_r) and length({column}_l) >= 3 "
        f"and levenshtein({column}_l, {column}_r) = 1"
    )


NAMES = Comparison(
    "name",
    _unknown("name"),
    (
        Level("same name", f"{WHOLE} and {_same('name')}", 0.55, 2e-4, "name"),
        Level(
            "same name in another script or with more words",
            f"{_same('name_key')} and not (is_han_l and is_han_r)",
            0.12,
            3e-4,
            "name_key",
        ),
        Level("names that sound alike", _same("name_key"), 0.01, 3e-4, "name_key"),
        Level(
            "family and given name swapped",
            "family_l = given_r and given_l = family_r and family_l <> given_l",
            0.02,
            2e-5,
        ),
        Level(
            "same family name, given names are forms of one",
            f"{WHOLE} and {_same('family')} and list_has_any(given_forms_l, given_forms_r)",
            0.05,
            2e-5,
        ),
        Level(
            "same family name, an initial fits",
            f"{WHOLE} and {_same('family')} and least(length(given_l), length(given_r)) = 1 "
            "and left(given_l, 1) = left(given_r, 1)",
            0.03,
            3e-4,
        ),
        Level(
            "one of family and given name the same, the other near",
            f"{WHOLE} and {BOTH_WESTERN} and (({_same('family')} and {NEAR.format('given', 0.85)}) "
            f"or ({_same('given')} and {NEAR.format('family', 0.85)}))",
            0.12,
            1e-4,
        ),
        Level(
            "family and given name near",
            f"{WHOLE} and {BOTH_WESTERN} and {NEAR.format('family', 0.85)} "
            f"and ({NEAR.format('given', 0.85)} or list_has_any(given_forms_l, given_forms_r))",
            0.04,
            5e-5,
        ),
        Level(
            "family and given name swapped, and near",
            f"{WHOLE} and {BOTH_WESTERN} and jaro_winkler_similarity(family_l, given_r) >= 0.85 "
            "and jaro_winkler_similarity(given_l, family_r) >= 0.85",
            0.01,
            2e-5,
        ),
        Level("one sign of the name differs", f"{WHOLE} and {_hamming('name')}", 0.015, 1e-3),
        # one side knows half of the name only: no share of the whole, so it is not learnt
        Level(
            "same family name, given name unknown",
            f"not ({WHOLE}) and {_same('family')} and family_l <> ''",
            0.6,
            2e-2,
            "family",
            is_fixed=True,
        ),
        Level(
            "same given name, family name unknown",
            f"not ({WHOLE}) and (family_l = '' or family_r = '') and "
            f"({_same('given')} or list_has_any(given_forms_l, given_forms_r)) and given_l <> ''",
            0.6,
            1e-2,
            "given",
            is_fixed=True,
        ),
        Level(
            "half of a name against another half",
            f"not ({WHOLE}) and (family_l = '' or family_r = '') and (given_l = '' or given_r = '')",
            1.0,
            1.0,
            is_fixed=True,
        ),
        Level(
            "same family name, one given name Western",
            f"{WHOLE} and {_same('family')} and is_han_l <> is_han_r "
            "and (given_forms_l is not null or given_forms_r is not null)",
            0.05,
            1e-2,
            "family",
            is_fixed=True,
        ),
        Level(
            "same given name, other family name",
            f"{WHOLE} and {BOTH_WESTERN} and {_same('given')}",
            0.05,
            4e-3,
            "given",
        ),
        Level(
            "same family name, other given name",
            f"{WHOLE} and {BOTH_WESTERN} and {_same('family')}",
            0.03,
            2e-3,
            "family",
        ),
        Level("other name", "ELSE", 0.015, 0.98),
    ),
)

EMAILS = Comparison(
    "email",
    _unknown("email"),
    (
        Level("same e-mail", _same("email"), 0.55, 1e-6),
        Level(
            "same e-mail but for its domain",
            f"{_same('email_local')} and length(email_local_l) >= 5",
            0.06,
            1e-4,
            "email_local",
        ),
        Level(
            "e-mail differs by a slip",
            f"damerau_levenshtein(email_l, email_r) <= 1 and {_digits('email_l')} = {_digits('email_r')}",
            0.04,
            1e-6,
        ),
        # zhangwei2 is not zhangwei
        Level(
            "e-mails near",
            f"{NEAR.format('email_local', 0.88)} and ({BOTH_WESTERN} or {_digits('email_l')} = {_digits('email_r')})",
            0.05,
            3e-3,
        ),
        # a company gives a person one: it is the company that agrees, not the person
        Level(OTHER_MAILBOX, _same("email_domain"), 0.002, 1.0, is_fixed=True),
        Level("other e-mail", "ELSE", 0.3, 0.99),
    ),
)

PHONES = Comparison(
    "phone",
    _unknown("phone"),
    (
        Level("same number", _same("phone"), 0.7, 1e-6),
        Level("number differs by a slip", "damerau_levenshtein(phone_l, phone_r) <= 1", 0.02, 1e-5),
        Level("other number", "ELSE", 0.25, 0.99),
    ),
)


def _id(name: str, column: str, other: float) -> Comparison:
    return Comparison(
        column,
        _unknown(column),
        (Level(f"same {name}", _same(column), 0.9, 1e-7), Level(f"other {name}", "ELSE", other, 0.99)),
    )


COMPANIES = Comparison(
    "company",
    "coalesce(company_l, brand_l, company_domain_l) is null or coalesce(company_r, brand_r, company_domain_r) is null",
    (
        Level("same company", _same("company"), 0.7, 3e-3, "company"),
        # a side that tells nothing but the brand, as remarks do, could agree in nothing else
        Level(
            "same brand, one side tells no more of its company",
            f"{_same('brand')} and (is_brand_alone_l or is_brand_alone_r)",
            0.7,
            3e-3,
            "brand",
            is_fixed=True,
        ),
        Level("same brand", _same("brand"), 0.1, 3e-3, "brand"),
        Level("same company by its domain", _same("company_domain"), 0.05, 3e-3),
        Level(
            "company names near",
            "jaro_winkler_similarity(brand_l, brand_r) >= 0.92 and length(brand_l) > 4",
            0.03,
            1e-3,
        ),
        # people change companies: that is no contradiction
        Level("other company", "ELSE", 0.2, 0.98),
    ),
)

CITIES = Comparison(
    "city",
    _unknown("city"),
    (
        Level("same city", _same("city"), 0.75, 0.05, "city"),
        Level("city differs by a slip", NEAR.format("city", 0.88), 0.06, 5e-3),
        Level("other city", "ELSE", 0.2, 0.94),
    ),
)

TITLES = Comparison(
    "title",
    _unknown("job_function"),
    (
        Level("same function and level", _same("job_function", "seniority"), 0.45, 0.05),
        Level("same function", _same("job_function"), 0.3, 0.12),
        Level("other function", "ELSE", 0.25, 0.83),
    ),
)

BIRTH_DATES = Comparison(
    "birth_date",
    _unknown("birth_date"),
    (
        Level("same date of birth", _same("birth_date"), 0.75, 1e-4),
        Level("date of birth differs by a slip", "damerau_levenshtein(birth_date_l, birth_date_r) <= 1", 0.1, 1e-3),
        Level("same year of birth", "left(birth_date_l, 4) = left(birth_date_r, 4)", 0.07, 0.02),
        Level("other date of birth", "ELSE", 0.05, 0.97),
    ),
)

COMPARISONS = (
    NAMES,
    EMAILS,
    PHONES,
    _id("unionid", "unionid", 0.05),
    _id("openid", "openid", 0.2),
    _id("user id", "user_id", 0.3),
    COMPANIES,
    CITIES,
    TITLES,
    BIRTH_DATES,
)


# what two records must share to be compared at all: an expression over their columns, and how many records may share
# a value before it says too little
BLOCKS = {
    "email": ("email", 100),
    "phone": ("phone", 100),
    "unionid": ("unionid", 100),
    "openid": ("openid", 100),
    "user_id": ("user_id", 100),
    # in either order: 张三, Zhang San, San Zhang
    "name": ("case when name_key is not null then least(family, given) || ' ' || greatest(family, given) end", 30),
    "name_company": ("name_key || ' ' || coalesce(company, brand)", 200),
    "name_brand": ("name_key || ' ' || brand", 200),
    "name_domain": ("name_key || ' ' || company_domain", 200),
    "name_city": ("name_key || ' ' || city", 100),
    # 张总 of 星河: whoever of the name is there; and a slip in the given name
    "family_company": ("nullif(family, '') || ' ' || company", 100),
    "family_brand": ("nullif(family, '') || ' ' || brand", 100),
    "given_company": ("nullif(given, '') || ' ' || coalesce(company, brand)", 100),
    "local": ("case when length(email_local) >= 5 then email_local end", 30),
    "birth_date": ("birth_date", 100),
    "family_year": ("nullif(family, '') || ' ' || left(birth_date, 4)", 100),
    "given_year": ("nullif(given, '') || ' ' || left(birth_date, 4)", 100),
    "given_month": ("nullif(left(given, 3), '') || ' ' || left(birth_date, 7)", 100),
    "family_city": ("case when is_western then nullif(family, '') || ' ' || city end", 100),
    "given_city": ("case when is_western then nullif(given, '') || ' ' || city end", 100),
    "beginnings": (
        "case when is_western and name_key is not null then left(family, 3) || ' ' || left(given, 1) end",
        100,
    ),
}

CERTAIN = (
    "l.email = r.email",
    "l.phone = r.phone",
    "l.unionid = r.unionid",
    "l.name = r.name and l.birth_date = r.birth_date",
)
TRAINING = ("l.name = r.name", "l.email = r.email", "l.birth_date = r.birth_date")


# identifiers of which two that agree outweigh names that do not
# and Western names so near do not disagree, whatever else they do
RESEMBLES = 0.75
STRONG = ("email", "phone", "unionid", "openid", "user_id", "birth_date")


def is_other_mailbox(design: Design) -> str:
    """Whether a scored pair (alias s) has two mailboxes at one company."""
    levels = next(each.levels for each in design.comparisons if each.name == "email")
    at = next(place for place, level in enumerate(levels) if level.label == OTHER_MAILBOX)
    return f"s.gamma_email = {len(levels) - 1 - at}"


def names_sql(design: Design) -> str:
    """Whether the names of a scored pair (aliases s, l, r) agree: 1, -1, or 0 where nothing can be said of them.

    Two whole names that disagree are two persons, unless two strong identifiers agree.
    """
    compared = {each.name: each for each in design.comparisons}
    if "name" not in compared:
        return "0"
    agreed = [f"(s.gamma_{name} = {len(compared[name].levels) - 1})::integer" for name in STRONG if name in compared]
    return f"""case
        when s.gamma_name > {DISAGREE} then 1
        when s.gamma_name between 0 and {DISAGREE} and l.name_key is not null and r.name_key is not null
            and not (l.is_western and r.is_western and (l.family = r.given or l.given = r.family or greatest(
                jaro_winkler_similarity(l.given || ' ' || l.family, r.given || ' ' || r.family),
                jaro_winkler_similarity(l.given || ' ' || l.family, r.family || ' ' || r.given)) >= {RESEMBLES}))
            and {" + ".join(["0", *agreed])} < 2 then -1
        -- 刘女士 is nobody of the name of 钱
        when s.gamma_name = 0 and l.is_han and r.is_han and l.family <> r.family and l.family <> '' and r.family <> ''
            and {" + ".join(["0", *agreed])} < 2 then -1
        else 0 end"""


def person_design(blocks: Container[str] = BLOCKS, comparisons: Container[str] | None = None) -> Design:
    """The design, or the part of it that some records need: of these blocks and comparisons by name."""
    return Design(
        tuple(each for each in COMPARISONS if comparisons is None or each.name in comparisons),
        tuple(f"l.block_{name} = r.block_{name}" for name in BLOCKS if name in blocks),
        CERTAIN,
        TRAINING,
    )
