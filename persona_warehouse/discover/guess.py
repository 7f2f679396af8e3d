"""Which object a file is and which landing column each of its columns, by names first, by values then."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from rapidfuzz import fuzz, process

from persona_warehouse.discover.look import Looked
from persona_warehouse.discover.names import HAN, every_object, file_hint, forms, lookup, squeezed, vocabulary
from persona_warehouse.discover.profile import DECIMAL_COMMA, Profile, profiles
from persona_warehouse.landing.contract import ObjectContract, contract
from persona_warehouse.landing.typing import FALSE_TEXTS, TRUE_TEXTS
from persona_warehouse.recognise.vocabulary import SEEDS

# of the filled values this share must be readable: the others go to quarantine with their reason
READABLE = 0.9
# from this likeness on another name may be meant
ALIKE = 86
# what an object must reach to be recognised
RECOGNISED = 3.0
# values of a column that are found among another file's keys
INCLUDED = 0.6
FORMS = {"email": ("email",), "phone": ("mobile", "phone"), "uscc": ("uscc",), "openid": ("openid",)}
# columns that values alone may name, in any object that has them, and the kinds that tell them
TELLING = {"email": "email", "phone": "mobile", "uscc": "uscc", "website": "url", "openid": "openid"}
# a year's revenue of one employee, in any currency of this world's larger economies
USUAL_REVENUE = (20_000, 5_000_000)
SCALES = {
    "千": 1_000, "万": 10_000, "百万": 1_000_000, "亿": 100_000_000, "k": 1_000, "thousand": 1_000, "m": 1_000_000,
    "mn": 1_000_000, "million": 1_000_000, "millions": 1_000_000,
}  # fmt: skip
CURRENCIES = {
    "元": "CNY", "人民币": "CNY", "cny": "CNY", "rmb": "CNY", "usd": "USD", "us$": "USD", "$": "USD", "美元": "USD",
    "eur": "EUR", "€": "EUR", "hkd": "HKD", "港币": "HKD", "gbp": "GBP", "£": "GBP",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A landing column and the column of a file that it is taken from.

    Attributes:
        why: what the guess rests on, for people.
        is_sure: whether nobody needs to look at it.
    """

    field: str
    source: str
    why: str
    is_sure: bool = True


@dataclass(frozen=True)
class Guess:
    """What a file is taken for.

    Attributes:
        columns: in the order of the landing object.
        settings: formats, money, values … as the sources file has them, by landing column.
        doubts: setting -> why it is a guess.
        left: columns that are kept in `properties`, with a reason where there is one.
    """

    looked: Looked
    profiles: dict[str, Profile]
    stream: str
    name: str
    score: float
    columns: list[Column]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def source_of(self, landing: str) -> str | None:
        return next((one.source for one in self.columns if one.field == landing), None)


def guess_all(looked: Sequence[Looked]) -> list[Guess]:
    """A guess for every file that is recognised; references between them are looked at together."""
    found = []
    for one in looked:
        if one.table is not None and one.columns:
            best = guess(one, profiles(one.table))
            if best:
                found.append(best)
    keyed = _keys_by_reference(_best_of_each(found))
    related = [_related(one, keyed) for one in keyed]
    return [_settled(one) for one in related]


def guess(looked: Looked, told: dict[str, Profile], only: tuple[str, str] | None = None) -> Guess | None:
    """The object that a file most likely is, with its columns; `only` one object is considered."""
    best: Guess | None = None
    for stream, shape in every_object():
        if only and only != (stream, shape.name):
            continue
        columns, weight = _by_name(stream, shape, told)
        hint = file_hint(looked.stem, stream, shape.name)
        columns = _by_values(stream, shape, told, columns)
        columns = _keyed(shape, told, columns)
        missing = [name for name in shape.required if name not in {one.field for one in columns}]
        score = weight + hint
        if (missing and stream + shape.name != "crmcompanies") or (score < RECOGNISED and not only):
            continue
        if best is None or score > best.score:
            best = Guess(looked, told, stream, shape.name, score, columns)
    return best


def _by_name(stream: str, shape: ObjectContract, told: dict[str, Profile]) -> tuple[list[Column], float]:
    """Columns by their names, the best first, each used once; and what they say for the object."""
    offers = []
    for place, (source, profile) in enumerate(told.items()):
        for at, form in enumerate(forms(source)):
            for named in lookup(stream, shape.name).get(form, []):
                if _fits(shape, named.field, profile):
                    # a column that holds something before one that does not
                    score = named.score - 0.01 * at - (0.2 if not profile.filled else 0)
                    offers.append((-score, place, named.field, source, named))
    columns: dict[str, Column] = {}
    weight, used = 0.0, set()
    for _, _, landing, source, named in sorted(offers, key=lambda offer: offer[:3]):
        if landing in columns or source in used:
            continue
        columns[landing] = Column(landing, source, "name")
        used.add(source)
        weight += 0.35 if named.is_common else 1.5 if landing in shape.key[:1] else 1.0
    # what a table has that this object does not tell against it, a little
    rest = [profile for source, profile in told.items() if source not in used and profile.filled]
    return list(columns.values()), weight - 0.05 * min(len(rest), 20)


def _by_values(stream: str, shape: ObjectContract, told: dict[str, Profile], columns: list[Column]) -> list[Column]:
    """Adds what names that are alike, or values alone, tell."""
    taken, used = {one.field for one in columns}, {one.source for one in columns}
    free = [profile for source, profile in told.items() if source not in used and profile.filled]

    def take(landing: str, profile: Profile, why: str) -> None:
        columns.append(Column(landing, profile.name, why, False))
        taken.add(landing)
        free.remove(profile)

    for landing, kind in TELLING.items():
        best = max(free, key=lambda profile: profile.shares[kind], default=None)
        if landing in shape.columns and landing not in taken and best and best.shares[kind] >= 0.8:
            take(landing, best, f"values: {best.shares[kind]:.0%} look like {kind}")
    for landing in shape.columns:
        words = _known_words(shape.name, landing)
        if landing in taken or not words:
            continue
        for profile in free:
            share = sum(n for word, n in profile.words.items() if word.strip().lower() in words)
            if profile.is_enumeration and share >= 0.7 * profile.filled:
                take(landing, profile, "values: words of this vocabulary")
                break
    known = {word: named[0].field for word, named in lookup(stream, shape.name).items() if len(word) > 4}
    entities = {squeezed(word) for words in vocabulary()["entities"].values() for word in words}
    for profile in [one for one in free if squeezed(one.name) not in entities]:
        near = process.extract(squeezed(profile.name), list(known), scorer=fuzz.ratio, score_cutoff=ALIKE, limit=5)
        for word, score, _ in near:
            if known[word] not in taken and _fits(shape, known[word], profile):
                take(known[word], profile, f"name, nearly ({score:.0f} %)")
                break
    moments = [
        name for name in shape.required if shape.columns[name].type in ("date", "timestamp") and name not in taken
    ]
    for landing in moments:
        # a column that begins with _ is of the tool that copied the table
        dates = [profile for profile in free if profile.name[0] != "_" and _fits(shape, landing, profile)]
        if len(dates) == 1:
            take(landing, dates[0], "values: the only dates")
    return columns


def _keyed(shape: ObjectContract, told: dict[str, Profile], columns: list[Column]) -> list[Column]:
    """Gives a file without an id of its own another column that tells its records apart."""
    taken = {one.field: one.source for one in columns}
    key = shape.key[0]
    if key in taken or len(shape.key) > 1 or key not in shape.required:
        return _complete_company(shape, columns)
    foreign = {one.source for one in columns if one.field in vocabulary()["references"]}
    for landing in ("name", "email", "phone", "openid"):
        profile = told.get(taken.get(landing, ""))
        if profile and profile.is_key:
            return [Column(key, profile.name, f"no id; {landing} is different in every row", False), *columns]
    for profile in told.values():
        if profile.is_key and profile.name not in foreign and not profile.shares["moment"]:
            mine = next((one for one in columns if one.source == profile.name), None)
            if mine is None or shape.columns[mine.field].type == "text":
                return _complete_company(
                    shape, [Column(key, profile.name, "values: different in every row", False), *columns]
                )
    return columns


def _complete_company(shape: ObjectContract, columns: list[Column]) -> list[Column]:
    """A company that has an id and no name is called by its id: one column with the names is often all there is."""
    fields = {one.field: one for one in columns}
    if shape.name == "companies" and "name" not in fields and "company_id" in fields:
        columns.append(Column("name", fields["company_id"].source, "no other name", False))
    return columns


def _fits(shape: ObjectContract, landing: str, profile: Profile) -> bool:
    """Whether a column's values could be those of a landing column; an empty one could."""
    if not profile.filled:
        return True
    shares, kind = profile.shares, shape.columns[landing].type
    if landing in FORMS:
        return sum(shares[form] for form in FORMS[landing]) >= 0.5
    if landing == "website":
        return shares["url"] + shares["domain"] >= 0.3
    if landing == "domain":
        return shares["domain"] >= 0.3
    if kind in ("decimal", "integer"):
        return max(shares["decimal" if kind == "decimal" else "integer"], shares["comma"]) >= READABLE
    if kind == "boolean":
        return shares["boolean"] >= READABLE or _yes_no(profile) is not None
    if kind in ("date", "timestamp"):
        return (
            shares["moment"] >= READABLE
            or sum(profile.formats.get(one, 0) for one in profile.date_formats()[0]) >= READABLE
        )
    if landing in ("full_name", "company_name", "name"):
        return shares["decimal"] < 0.5 and shares["moment"] < 0.5 and shares["email"] < 0.5
    if _known_words(shape.name, landing):
        # 阶段 that holds dates is no stage
        return shares["moment"] < 0.5
    return True


def _yes_no(profile: Profile) -> dict[str, str] | None:
    """Source word -> true or false, when every word of the column is one of them."""
    found = {}
    for word in profile.words:
        plain = word.strip().lower()
        if plain in TRUE_TEXTS or plain in vocabulary()["yes"]:
            found[word] = "true"
        elif plain in FALSE_TEXTS or plain in vocabulary()["no"]:
            found[word] = "false"
    return found if len(found) == profile.distinct else None


@cache
def _known_words(name: str, landing: str) -> frozenset[str]:
    """The words of the seed that gives a column its meaning, empty when there is none."""
    spec = _vocabulary_of(name, landing)
    if spec is None:
        return frozenset()
    file, column = spec["seed"]
    with (SEEDS / file).open(encoding="utf-8", newline="") as stream:
        return frozenset(row[column].strip().lower() for row in csv.DictReader(stream))


def _vocabulary_of(name: str, landing: str) -> dict[str, Any] | None:
    return next((one for one in vocabulary()["vocabularies"].values() if f"{name}.{landing}" in one["of"]), None)


def _best_of_each(found: list[Guess]) -> list[Guess]:
    """One guess an object, with the other parts of its export: files whose names differ in numbers alone."""
    best: dict[tuple[str, str], Guess] = {}
    for one in found:
        at = (one.stream, one.name)
        if at not in best or one.score > best[at].score:
            best[at] = one

    def is_part(one: Guess, of: Guess) -> bool:
        alike = re.sub(r"\d+", "", one.looked.name) == re.sub(r"\d+", "", of.looked.name)
        columns = {column.source for column in of.columns}
        return one is of or (alike and one.looked.sheet == of.looked.sheet and columns <= set(one.looked.columns))

    return [one for one in found if is_part(one, best[one.stream, one.name])]


def _keys_by_reference(found: list[Guess]) -> list[Guess]:
    """Where other files refer to companies by name, the name is the company's id; by id, the id."""
    companies = [one for one in found if one.name == "companies"]
    others = [one for one in found if one.name != "companies" and one.source_of("company_id")]
    if not companies or not others:
        return found
    names = _values(companies, "name")
    ids = _values(companies, "company_id")
    by_name = sum(_share(_values([one], "company_id"), names) >= INCLUDED for one in others)
    by_id = sum(_share(_values([one], "company_id"), ids) >= INCLUDED for one in others)
    if by_name <= by_id:
        return found
    why = f"{by_name} files refer to it by name"
    return [
        replace(one, columns=[
            replace(column, source=str(one.source_of("name")), why=why, is_sure=False)
            if column.field == "company_id" else column for column in one.columns
        ]) if one.name == "companies" else one
        for one in found
    ]  # fmt: skip


def _related(one: Guess, found: list[Guess]) -> Guess:
    """Adds references that values tell: a column whose values are the ids of another file."""
    shape = contract(one.stream, one.name)
    used = {column.source for column in one.columns}
    columns = list(one.columns)
    for landing, entity in (("company_id", "companies"), ("contact_id", "contacts"), ("deal_id", "deals")):
        if landing not in shape.columns or landing in shape.key[:1] or one.source_of(landing) or one.name == entity:
            continue
        ids = _values([other for other in found if other.name == entity], landing)
        for profile in one.profiles.values():
            if profile.filled and profile.name not in used and ids:
                share = _share(_column(one, profile.name), ids)
                if share >= INCLUDED and profile.distinct > 1 and not profile.shares["boolean"]:
                    columns.append(Column(landing, profile.name, f"values: {share:.0%} are ids of {entity}", False))
                    used.add(profile.name)
                    break
    return replace(one, columns=columns)


def _values(found: Iterable[Guess], landing: str) -> set[str]:
    return {value for one in found if (source := one.source_of(landing)) for value in _column(one, source)}


def _column(one: Guess, source: str) -> set[str]:
    if one.looked.table is None:
        return set()
    return set(one.looked.table.column(source).unique().drop_null().to_pylist())


def _share(values: set[str], among: set[str]) -> float:
    return len(values & among) / len(values) if values else 0.0


def _settled(one: Guess) -> Guess:
    """Adds formats, money, values, and what is left over."""
    shape = contract(one.stream, one.name)
    order = list(shape.columns)
    columns = sorted(one.columns, key=lambda column: order.index(column.field))
    settings: dict[str, dict[str, Any]] = {"formats": {}, "money": {}, "values": {}}
    doubts: dict[str, str] = {}
    for column in columns:
        profile, kind = one.profiles[column.source], shape.columns[column.field].type
        if not profile.filled:
            continue
        if kind in ("date", "timestamp"):
            wanted, sure = profile.date_formats()
            if wanted:
                settings["formats"][column.field] = wanted[0]
                if not sure:
                    doubts[f"formats.{column.field}"] = "day and month could be the other way round"
        elif kind in ("decimal", "integer"):
            _money(one, shape, column, settings, doubts)
        elif kind == "boolean" and profile.shares["boolean"] < 1:
            settings["values"][column.field] = {
                word: yes
                for word, yes in (_yes_no(profile) or {}).items()
                if word.lower() not in TRUE_TEXTS + FALSE_TEXTS
            }
        elif spec := _vocabulary_of(one.name, column.field):
            meant, unknown = _meant(one.name, column.field, profile, spec)
            if meant:
                settings["values"][column.field] = meant
                doubts[f"values.{column.field}"] = "words that no seed knows, by what they contain"
            if unknown:
                doubts[f"unknown.{column.field}"] = ", ".join(unknown)
    left = {
        name: _why_left(one, shape, profile) for name, profile in one.profiles.items()
        if name not in {column.source for column in columns}
    }  # fmt: skip
    return replace(
        one,
        columns=columns,
        left=left,
        doubts=doubts,
        settings={key: value for key, value in settings.items() if value},
    )


def _money(
    one: Guess, shape: ObjectContract, column: Column, settings: dict[str, dict[str, Any]], doubts: dict[str, str]
) -> None:
    """The pattern, scale and currency of amounts, as far as header and values tell them."""
    profile = one.profiles[column.source]
    pattern = DECIMAL_COMMA if profile.shares["comma"] > profile.shares["decimal"] else "#,##0.00"
    words = re.findall(rf"[a-z$€£]+|[{HAN}]+", "".join(re.findall(r"[(（\[【](.*?)[)）\]】]", column.source)).lower())
    scale = next((power for word in words for sign, power in sorted(SCALES.items(), key=lambda pair: -len(pair[0]))
                  if word == sign or (word.startswith(sign) and re.match(f"[{HAN}]", word))), 1)  # fmt: skip
    currency = next((code for word in words for sign, code in CURRENCIES.items() if sign in word), None)
    if scale == 1 and column.field == "annual_revenue":
        scale = _revenue_scale(one)
        if scale > 1:
            doubts["money.annual_revenue"] = f"in units of {scale:,}, else too little for that many employees"
    if column.field not in shape.money:
        currency = None
    if pattern != "#,##0.00" or scale > 1 or currency:
        spec = {"format": pattern, "scale": scale, "currency": currency}
        settings["money"][column.field] = {key: value for key, value in spec.items() if value not in (1, None)}


def _revenue_scale(one: Guess) -> int:
    """By what a year's revenue must be multiplied to be that of a company with so many employees."""
    revenue, employees = one.source_of("annual_revenue"), one.source_of("employee_count")
    if not revenue or not employees or one.looked.table is None:
        return 1
    first = one.looked.table.slice(0, 1_000)
    pairs = zip(first.column(revenue).to_pylist(), first.column(employees).to_pylist(), strict=True)
    each = sorted(a / b for a, b in ((_number(a), _number(b)) for a, b in pairs) if a and b)
    if len(each) < 10:
        return 1
    middle = each[len(each) // 2]
    low, high = USUAL_REVENUE
    usual = math.sqrt(low * high)
    # a whole tenth below what is usual may be a poor trade
    if middle >= low / 10:
        return 1
    return min((1_000, 10_000, 1_000_000), key=lambda power: abs(math.log(middle * power / usual)))


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "").lstrip("¥$€£"))
    except ValueError:
        return None


def _meant(name: str, landing: str, profile: Profile, spec: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Words that the seed does not know -> the word of the seed that is meant, and those of which nothing is known."""
    known = _known_words(name, landing)
    meant, unknown = {}, []
    for word in profile.words:
        plain = word.strip().lower()
        if plain in known:
            continue
        hint = next((target for form, target in spec["hints"].items() if re.search(form, plain)), None)
        if hint:
            meant[word] = hint
        else:
            unknown.append(word)
    return meant, unknown[:10]


def _why_left(one: Guess, shape: ObjectContract, profile: Profile) -> str:
    """Why a column that bears a known name was not taken: its values are of another kind."""
    for form in forms(profile.name):
        for named in lookup(one.stream, shape.name).get(form, []):
            if not one.source_of(named.field) and not _fits(shape, named.field, profile):
                return f"called like {named.field}, but its values are no {shape.columns[named.field].type}"
    return ""
