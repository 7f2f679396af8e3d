"""What is recorded of companies in words, read once per text: names, trades, industries, places, numbers.

The models of dbt join these dictionaries by the text itself. Which attribute a name stands for (员工人数, Employees)
and how it is read is said by the seeds of the folder accounts.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from persona_warehouse.identity.normalise import Dictionary
from persona_warehouse.recognise.addresses import Place, read_address
from persona_warehouse.recognise.companies import COLUMNS, parse_companies
from persona_warehouse.recognise.industries import read_industry, read_trade
from persona_warehouse.recognise.quantities import read_quantity
from persona_warehouse.recognise.regions import Region, regions
from persona_warehouse.recognise.vocabulary import rows_of
from persona_warehouse.warehouse import literal

INDUSTRY_COLUMNS = {"industry_code": "varchar", "term": "varchar", "confidence": "double"}
NUMBER_KINDS = ("number", "money", "year")
MUNICIPALITIES = ("11", "12", "31", "50")


def _facts(kinds: Collection[str]) -> str:
    """(raw) of everything recorded under a name that stands for an attribute of these kinds."""
    attributes = {row["attribute"] for row in rows_of("accounts/attribute_rules") if row["kind"] in kinds}
    names = [row["source_name"] for row in rows_of("accounts/attribute_names") if row["attribute"] in attributes]
    questions = [
        row["question_code"] for row in rows_of("accounts/interview_questions") if row["attribute"] in attributes
    ]
    return f"""
        select value as raw from staging.stg_crm__company_enrichment where {_name("attribute")} in {_listed(names)}
        union
        select json_extract_string(properties, '$."' || key || '"')
        from (
            select properties, unnest(json_keys(properties)) as key from staging.stg_crm__companies
            where properties is not null
        )
        where {_name("key")} in {_listed(names)} and not contains(key, '"')
        union
        select answer_code from staging.stg_crm__interview_answers where lower(question_code) in {_listed(questions)}"""


def _name(column: str) -> str:
    """An attribute's name as the seed writes it; the same in the model int_accounts__recorded_values."""
    return f"replace(replace(lower(trim({column})), ' ', '_'), '-', '_')"


def _listed(values: Collection[str]) -> str:
    return f"({', '.join(literal(value) for value in sorted(values)) or literal('')})"


def _filled(query: str) -> str:
    return f"select distinct raw from ({query}) where raw <> ''"


def _industry(raw: str) -> tuple[object, ...] | None:
    found = read_industry(raw)
    return (found.code, found.term, found.confidence) if found else None


def _trade(raw: str) -> tuple[object, ...] | None:
    found = read_trade(raw)
    return (found.code, found.term, found.confidence) if found else None


def _quantity(raw: str) -> tuple[object, ...] | None:
    found = read_quantity(raw)
    if found is None:
        return None
    number = None if found.number is None else float(found.number)
    return number, found.currency, found.is_exact, found.year


def place_of(raw: str) -> tuple[object, ...] | None:
    """Codes and names of an address, or of a code of GB/T 2260 (in the third to eighth place of a credit code)."""
    place = _place_of_code(raw) if len(raw) == 6 and raw.isdigit() else read_address(raw)
    if place is None or place.province_code is None:
        return None
    return (
        place.province_code, place.province, place.city_code, place.city, place.district_code, place.district,
        place.confidence,
    )  # fmt: skip


def _place_of_code(code: str) -> Place | None:
    """The division itself; of one that is gone (a county that became a district) the city or province above it."""
    # the districts of Beijing, Tianjin, Shanghai and Chongqing all lie in the one city
    for known in (code, f"{code[:4]}00", f"{code[:2]}0100" if code[:2] in MUNICIPALITIES else "", f"{code[:2]}0000"):
        region = _regions().get(known)
        if region is not None:
            return Place(
                region.province, region.province_code, region.city or None, region.city_code or None,
                region.district or None, region.district_code or None, 0.9,
            )  # fmt: skip
    return None


@cache
def _regions() -> dict[str, Region]:
    """Each division by its code."""
    found: dict[str, Region] = {}
    for region in regions():
        found.setdefault(region.code, region)
    return found


COMPANY_NAMES = Dictionary(
    "company_names",
    dict.fromkeys(COLUMNS, "varchar"),
    _filled(
        f"""select name as raw from staging.stg_crm__companies
        union select company_name from staging.stg_crm__leads
        union select company_name from staging.stg_crm__company_enrichment
        union select competitor from staging.stg_crm__deals
        union select raw from ({_facts(("name",))})"""
    ),
    all_at_once=parse_companies,
    seeds=("companies", "regions"),
)
DICTIONARIES = (
    COMPANY_NAMES,
    Dictionary(
        "trades",
        INDUSTRY_COLUMNS,
        _filled("select trade as raw from identity.company_names"),
        _trade,
        seeds=("companies", "accounts/industries"),
    ),
    Dictionary(
        "industries",
        INDUSTRY_COLUMNS,
        _filled(f"select industry as raw from staging.stg_crm__companies union {_facts(('industry',))}"),
        _industry,
        seeds=("companies", "accounts/industries"),
    ),
    Dictionary(
        "locations",
        {
            "province_code": "varchar",
            "province": "varchar",
            "city_code": "varchar",
            "city": "varchar",
            "district_code": "varchar",
            "district": "varchar",
            "confidence": "double",
        },
        _filled(
            f"""select concat_ws(' ', province, city) as raw from staging.stg_crm__companies
            union select concat_ws(' ', province, city, address) from staging.stg_crm__companies
            union select substring(uscc, 3, 6) from identity.credit_codes
            union select place from identity.company_names
            union {_facts(("location",))}"""
        ),
        place_of,
        seeds=("regions",),
    ),
    Dictionary(
        "quantities",
        {"number": "double", "currency": "varchar", "is_exact": "boolean", "year": "bigint"},
        _filled(_facts(NUMBER_KINDS)),
        _quantity,
        seeds=("companies/quantity_words",),
    ),
)
