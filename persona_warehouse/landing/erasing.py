"""What of a landing object goes when people are erased, as SQL over whole relations.

Which rows are theirs and which columns only name them is declared in objects.yml (`erased`). All texts are cleared of
their addresses, numbers, openids and unionids besides; and of their names where the row is about them or their company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import duckdb

from persona_warehouse.landing.contract import PROVENANCE, ObjectContract
from persona_warehouse.warehouse import identifier, literal

ERASED = "[erased]"
# in place of what a pattern found, what stood around it left as it was
BETWEEN = rf"\1{ERASED}\2"
# what is looked for in texts; the ids of a CRM or a site are too short to be told from other words
IN_TEXT = ("email", "phone", "openid", "unionid")
KINDS = (*IN_TEXT, "contact", "lead", "user", "cookie", "interview")
# a kind that another column of the row tells
BY = "by "
SHORTEST_IN_TEXT = 6
ADDRESS = r"""[^\s<>"'\[\](){},;:=/?&]+@[^\s<>"'\[\](){},;:=/?&]+"""
FULL_WIDTH, HALF_WIDTH = "０１２３４５６７８９＠", "0123456789@"


def normal(kind: str, column: str) -> str:
    """SQL of a column's value as it is compared; a number is its digits, without China's code before a mobile one."""
    text = f"cast({column} as varchar)"
    if kind == "email":
        plain = f"lower(translate({text}, '{FULL_WIDTH}', '{HALF_WIDTH}'))"
        return f"trim(coalesce(nullif(regexp_extract({plain}, {literal(ADDRESS)}), ''), {plain}), ' .')"
    if kind == "phone":
        digits = f"regexp_replace(translate({text}, '{FULL_WIDTH}', '{HALF_WIDTH}'), '[^0-9]', '', 'g')"
        return f"regexp_replace({digits}, '^(00)?86(1[3-9][0-9]{{9}})$', '\\2')"
    return f"trim({text})"


@dataclass(frozen=True)
class People:
    """Who is erased.

    Attributes:
        identifiers: kind -> values, normal ones (`normal`).
        names: full names.
        companies: CRM ids of their companies.
        company_names: names of these.
        kept: streams whose rows stay, without what names them: of who only left us on WeChat.
    """

    identifiers: Mapping[str, frozenset[str]]
    names: frozenset[str] = frozenset()
    companies: frozenset[str] = frozenset()
    company_names: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, found: Mapping[str, Iterable[str | None]], **more: Any) -> Self:
        """From values as sources write them."""
        kinds = {}
        for kind, values in found.items():
            given = sorted({value for value in values if value})
            query = f"select distinct {normal(kind, 'v')} from (select unnest($1::varchar[]) as v)"
            kinds[kind] = frozenset(row[0] for row in connection.execute(query, [given]).fetchall() if row[0])
        return cls(kinds, **{name: frozenset(one for one in values if one) for name, values in more.items()})

    def __bool__(self) -> bool:
        return any(self.identifiers.values())


@dataclass(frozen=True)
class Patterns:
    """Regular expressions (RE2 and Python's) of what is looked for in texts; groups 1 and 2 are what stands around.

    Attributes:
        cores: the same without what stands around, which is found much faster where there is nothing.
    """

    identifiers: tuple[str, ...]
    cores: tuple[str, ...]
    names: str | None
    companies: str | None

    @classmethod
    def of(cls, people: People) -> Self:
        emails = sorted(map(_address, people.identifiers.get("email", ())))
        phones = sorted(map(_number, people.identifiers.get("phone", ())))
        ids = sorted(
            re.escape(one)
            for kind in ("openid", "unionid")
            for one in people.identifiers.get(kind, ())
            if len(one) >= SHORTEST_IN_TEXT
        )
        found = [
            (r"(^|[^\w.%+-])", emails, r"(\.?(?:$|[^\w.-]))"),
            (r"(^|[^0-9])", phones, r"($|[^0-9])"),
            (r"(^|[^\w-])", ids, r"($|[^\w-])"),
        ]
        told = [(before, f"(?:{'|'.join(cores)})", after) for before, cores, after in found if cores]
        # an address is one in any case, an id is not
        flags = ["(?i)" if cores is emails else "" for _, cores, _ in found if cores]
        return cls(
            tuple(flag + "".join(parts) for flag, parts in zip(flags, told, strict=True)),
            tuple(flag + parts[1] for flag, parts in zip(flags, told, strict=True)),
            "|".join(map(re.escape, sorted(people.names, key=len, reverse=True))) or None,
            "|".join(map(re.escape, sorted(people.company_names, key=len, reverse=True))) or None,
        )

    def holds(self, text: str) -> str:
        """SQL: whether a text names them."""
        return " or ".join(f"regexp_matches({text}, {literal(one)})" for one in self.identifiers) or "false"

    def cleared(self, text: str) -> str:
        """SQL: a text without them."""
        for one in self.identifiers:
            # two neighbours share the sign between them: the second is met in the second round
            for _ in range(2):
                text = f"regexp_replace({text}, {literal(one)}, {literal(BETWEEN)}, 'g')"
        return text

    def clear(self, text: str) -> str:
        """The same for a text in hand."""
        for one, core in zip(self.identifiers, self.cores, strict=True):
            if re.search(core, text, flags=re.ASCII):
                for _ in range(2):
                    text = re.sub(one, BETWEEN, text, flags=re.ASCII)
        if self.names and self.companies and re.search(self.names, text):
            lines = text.split("\n")
            text = "\n".join(
                re.sub(self.names, ERASED, line) if re.search(self.companies, line) else line for line in lines
            )
        return text


def _address(email: str) -> str:
    local, _, host = email.rpartition("@")
    # as it stands in addresses of pages and in escaped JSON
    return f"{re.escape(local)}(?:@|%40|\\\\u0040){re.escape(host)}"


def _number(digits: str) -> str:
    return r"(?:(?:\+|00)?86[\s().-]{0,2})?" + r"[\s().-]{0,2}".join(digits)


@dataclass(frozen=True)
class Erasing:
    """The SQL for one object: over a relation that has the object's columns, where `give` made the tables."""

    contract: ObjectContract
    people: People
    columns: tuple[str, ...]
    patterns: Patterns = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", Patterns.of(self.people))

    @property
    def goes(self) -> str:
        """Condition: the row is theirs. What could not be typed and names them goes too: no mart has it."""
        if self.contract.stream in self.people.kept:
            return "false"
        found = [
            _is_of(kind, identifier(name)) for name, kind in self.contract.erased_rows.items() if name in self.columns
        ]
        raw = [
            f"({self.patterns.holds(identifier(name))})" for name in ("raw_row", "row_errors") if name in self.columns
        ]
        found += [f"(row_errors is not null and ({' or '.join(raw)}))"] if raw else []
        return f"coalesce({' or '.join(found)}, false)" if found else "false"

    @property
    def changes(self) -> str:
        """Condition: the row stays, and something is cut out of it."""
        pairs = [f"{identifier(name)} is distinct from {sql}" for name, sql in self.replaced().items()]
        return f"({' or '.join(pairs)})" if pairs else "false"

    def replaced(self) -> dict[str, str]:
        """Column -> SQL of its value after, of those that may change."""
        told = {name: _is_of(kind, identifier(name)) for name, kind in self._values().items() if name in self.columns}
        found = {
            name: f"case when not coalesce({hit}, false) then {identifier(name)} end" for name, hit in told.items()
        }
        about = list(told.values())
        if self.people.companies and "company_id" in self.columns:
            about.append(f"company_id in ({', '.join(map(literal, sorted(self.people.companies)))})")
        of_them = " or ".join(f"coalesce({one}, false)" for one in about) or "false"
        for name in self.texts():
            text = identifier(name)
            cleared = f"case when {self.patterns.holds(text)} then {self.patterns.cleared(text)} else {text} end"
            if self.patterns.names and name != "full_name":
                named = (
                    f"regexp_matches({text}, {literal(self.patterns.companies)})"
                    if self.patterns.companies
                    else "false"
                )
                nameless = f"regexp_replace({cleared}, {literal(self.patterns.names)}, {literal(ERASED)}, 'g')"
                cleared = f"case when ({of_them}) or {named} then {nameless} else {cleared} end"
            found[name] = cleared
        return found

    def _values(self) -> dict[str, str]:
        """Column -> kind, of the values that are cut out."""
        stays = self.contract.stream in self.people.kept
        named = {k: v for k, v in self.contract.erased_rows.items() if k not in self.contract.key} if stays else {}
        return {**self.contract.erased_values, **named}

    def texts(self) -> list[str]:
        """Columns whose values are words, in which anybody may be named."""
        # keys stay what they are; where from a row came is no text of a person
        left = {
            *self.contract.erased_rows,
            *self.contract.erased_values,
            *self.contract.key,
            "source_file",
            "company_id",
        }
        return [
            name
            for name in self.columns
            if name not in left
            and (
                self.contract.columns[name].type in ("text", "json")
                if name in self.contract.columns
                else name in PROVENANCE
            )
            and name != "source_row"
        ]

    def select(self, relation: str) -> str:
        """SQL of the relation without them, its columns as they were."""
        replaced = self.replaced()
        listed = ", ".join(
            f"{replaced[name]} as {identifier(name)}" if name in replaced else identifier(name) for name in self.columns
        )
        return f"select {listed} from {relation} where not {self.goes}"


def _is_of(kind: str, column: str) -> str:
    if kind.startswith(BY):
        named = f"concat(lower({identifier(kind.removeprefix(BY))}), '|', {normal('', column)})"
        return f"{named} in (select concat(kind, '|', value) from erased_identifiers)"
    return f"{normal(kind, column)} in (select value from erased_identifiers where kind = {literal(kind)})"


def give(connection: duckdb.DuckDBPyConnection, people: People) -> None:
    """Makes the temp table erased_identifiers(kind, value) that the SQL of `Erasing` reads."""
    connection.execute("create or replace temp table erased_identifiers (kind varchar, value varchar)")
    for kind, values in people.identifiers.items():
        connection.execute("insert into erased_identifiers select $1, unnest($2::varchar[])", [kind, sorted(values)])
