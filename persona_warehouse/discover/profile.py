"""What the values of a column are like, told by the rules by which landing reads them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from persona_warehouse.landing.contract import Column, ObjectContract
from persona_warehouse.landing.mapping import Mapping
from persona_warehouse.landing.typing import typed_query
from persona_warehouse.warehouse import literal, scratch

# distinct values of a column that are read, the most frequent first
MOST_DISTINCT = 1_000
# words of a column that are kept
MOST_WORDS = 60

DAYS = (
    "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%d %b, %Y", "%b %d, %Y",
    "%d %B %Y", "%B %d, %Y", "%m/%d/%y", "%d/%m/%y",
)  # fmt: skip
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
DATE_FORMATS = (*(day + time for day in DAYS for time in TIMES), "unix", "unix_ms")
DECIMAL_COMMA = "#.##0,00"
# what could be a date that needs a format: the others are not tried in all of them
MAYBE_DATE = r"^([0-9]{1,2}[/. -]|[A-Za-z]{3,9} [0-9]|[0-9]{10}$|[0-9]{13}$)"

# what a value is by its form; the first three groups tell a column on their own
KINDS = {
    "email": r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$",
    "mobile": r"^(\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}$",
    "phone": r"^\+?[(]?\d[\d ()+.\-]{5,18}\d(\s*(ext|x|转|-)\.?\s*\d+)?$",
    "uscc": r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$",
    "url": r"^(https?://|www\.)\S+$",
    "domain": r"^([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$",
    "openid": r"^o[A-Za-z0-9_-]{27}$",
    "company": r"(公司|集团|工厂|有限|\b(Inc|Ltd|LLC|GmbH|Corp|Corporation|Limited)\b)",
    "person": r"^\p{Han}{2,4}$",
    "year": r"^(1[89]|20)\d\d$",
    "sign": r"^\s*(¥|￥|\$|US\$|HK\$|€|£)",
}

# how every value is tried to be read, and how one that could be a date: name -> landing type
PLAIN = {"decimal": "decimal", "comma": "decimal", "integer": "integer", "boolean": "boolean", "moment": "timestamp"}
DATED = {f"f{place}": "timestamp" for place in range(len(DATE_FORMATS))}


@dataclass(frozen=True)
class Profile:
    """A column's values.

    Attributes:
        filled: of `rows` how many hold something.
        distinct: how many different ones.
        shares: kind (a key of `KINDS` or `PLAIN`) -> share of the filled values.
        formats: date format -> the same.
        words: the most frequent values, with their numbers.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    shares: dict[str, float]
    formats: dict[str, float]
    words: dict[str, int]

    @property
    def is_key(self) -> bool:
        """Whether every row has a value of its own."""
        return 0 < self.rows == self.distinct

    @property
    def is_enumeration(self) -> bool:
        """Whether the values are few and come again: words that somebody chose from a list."""
        return 0 < self.distinct <= MOST_WORDS and self.filled >= 3 * self.distinct

    def date_formats(self) -> tuple[list[str], bool]:
        """The formats that read its dates, and whether there is no doubt; ISO and the like need none."""
        best = sorted(self.formats, key=lambda name: (-self.formats[name], DATE_FORMATS.index(name)))
        if self.shares["moment"] >= 0.9 or not best or self.formats[best[0]] < 0.5:
            return [], True
        alike = [
            name for name in best[1:] if self.formats[name] == self.formats[best[0]] and not name.startswith("unix")
        ]
        return [best[0]], best[0].startswith("unix") or not alike


def profiles(table: pa.Table) -> dict[str, Profile]:
    """Column -> its profile; each different value is looked at once."""
    names = table.column_names
    if not names or not table.num_rows:
        return {
            name: Profile(name, table.num_rows, 0, 0, dict.fromkeys((*KINDS, *PLAIN), 0.0), {}, {}) for name in names
        }
    with scratch() as connection:
        connection.register("sample", table.rename_columns([str(place) for place in range(len(names))]))
        connection.execute("""
            create temp table counted as
            select cast(place as integer) as place, value, count(*) as n
            from (unpivot sample on columns(*) into name place value value) group by all""")
        connection.execute(f"""
            create temp table looked as
            select *, row_number() over (order by place, n desc, value) as source_row
            from (select *, row_number() over (partition by place order by n desc, value) as nth from counted)
            where nth <= {MOST_DISTINCT}""")
        connection.execute(
            f"create temp table dated as select * from looked where regexp_matches(value, {literal(MAYBE_DATE)})"
        )
        forms = ", ".join(
            f"sum(n) filter (where regexp_matches(value, {literal(form)})) as {kind}" for kind, form in KINDS.items()
        )
        told: dict[int, dict[str, float]] = {}
        for query in (
            f"select place, sum(n) as looked_at, {forms} from looked group by place",
            _read(PLAIN, "looked"),
            _read(DATED, "dated"),
        ):
            for row in connection.execute(query).to_arrow_table().to_pylist():
                told.setdefault(row["place"], {}).update(row)
        totals = {
            place: (filled, distinct)
            for place, filled, distinct in connection.execute(
                "select place, sum(n), count(*) from counted group by place"
            ).fetchall()
        }
        words: dict[int, dict[str, int]] = {}
        for place, value, n in connection.execute(
            f"select place, value, n from looked where nth <= {MOST_WORDS} order by source_row"
        ).fetchall():
            words.setdefault(place, {})[value] = n
    return {name: _profile(name, place, table.num_rows, told, totals, words) for place, name in enumerate(names)}


def _profile(
    name: str, place: int, rows: int, told: dict[int, dict[str, float]], totals: dict[int, tuple[int, int]],
    words: dict[int, dict[str, int]],
) -> Profile:  # fmt: skip
    row = told.get(place, {})

    def share(kind: str) -> float:
        return float(row.get(kind) or 0) / float(row.get("looked_at") or 1)

    filled, distinct = totals.get(place, (0, 0))
    formats = {form: share(column) for column, form in zip(DATED, DATE_FORMATS, strict=True)}
    return Profile(
        name, rows, int(filled), distinct, {kind: share(kind) for kind in (*KINDS, *PLAIN)},
        {form: found for form, found in formats.items() if found}, words.get(place, {}),
    )  # fmt: skip


def _read(tried: dict[str, str], relation: str) -> str:
    """SQL: of each column how many values of `relation` can be read in each way."""
    shape = ObjectContract(
        "init", "values", (), (), (), {name: Column(name, kind, "internal") for name, kind in tried.items()}, {}, {}
    )
    formats: dict[str, str | list[str]] = {
        name: form for name, form in zip(DATED, DATE_FORMATS, strict=True) if name in tried
    }
    mapping = Mapping({}, formats=formats, money={"comma": DECIMAL_COMMA})
    typed = typed_query(shape, relation, dict.fromkeys(tried, ("value", "VARCHAR")), mapping, origin="")
    counts = ", ".join(f"sum(n) filter (where typed.{name} is not null) as {name}" for name in tried)
    return f"select place, {counts} from {relation} join ({typed}) as typed using (source_row) group by place"
