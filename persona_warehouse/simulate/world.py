"""The true world: companies and the stories of their purchases. The channels see parts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from stdnum.cn import uscc

from persona_warehouse.simulate import words
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.people import Person, people
from persona_warehouse.simulate.personas import PERSONAS, RELATIONS, Profiles, profiles
from persona_warehouse.simulate.story import HISTORY_DAYS, Journey, Temper, Window, journey

CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# companies whose need arose before the window, while the CRM was already kept
EARLIER_SHARE = 0.3
# companies that belong to another one, and those of them that are its branches: no company of their own brand
CHILD_SHARE, BRANCH_SHARE = 0.1, 0.35


@dataclass(frozen=True)
class Company:
    """One company as it is. Money in CNY; `product` is the index of what it came for.

    Attributes:
        number: its place in the world, and in the profiles.
        kind: company, subsidiary (brand of its parent) or branch (name, address and domain of its parent).
        satisfaction: how content a customer is, 0 to 10; what surveys ask about.
        margin: what remains of its invoices.
    """

    number: int
    company_id: str
    kind: str
    legal_name: str
    short_name: str
    brand: str
    english_name: str
    traditional_name: str
    domain: str
    uscc: str
    trade: words.Trade
    place: words.Place
    address: str
    founded_year: int
    employee_count: int
    annual_revenue: int
    funding_stage: str
    total_funding: int
    parent: int | None
    switchboard: str
    product: int
    persona: str
    relation: str
    fit: float
    win: float
    value: float
    satisfaction: float
    margin: float
    journey: Journey


@dataclass(frozen=True)
class World:
    """Everything true. People of one company stand together; strangers come last."""

    seed: int
    window: Window
    profiles: Profiles
    companies: tuple[Company, ...]
    people: tuple[Person, ...]

    def staff(self) -> list[list[int]]:
        """The indices of the people that each company has had."""
        found: list[list[int]] = [[] for _ in self.companies]
        for index, person in enumerate(self.people):
            if person.company is not None:
                found[person.company].append(index)
            if person.move is not None:
                found[person.move.company].append(index)
        return found


def build_world(seed: int, companies: int, window: Window) -> World:
    """The world of a seed. The same arguments give the same world."""
    profile = profiles(seed, companies)
    firms = _companies(seed, profile, window)
    return World(seed, window, profile, tuple(firms), tuple(people(seed, firms, window)))


def credit_code(dice: Dice, region: str) -> str:
    """A unified social credit code (GB 32100-2015) whose organisation part (GB 11714) is right too."""
    body = "".join(dice.pick(CODE_ALPHABET[:10]) if i < 3 else dice.pick(CODE_ALPHABET) for i in range(8))
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(alphabet.index(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    code = f"91{region}{body}{'0123456789X'[(11 - total % 11) % 11]}"
    return code + uscc.calc_check_digit(code)


@dataclass(frozen=True)
class _Name:
    kind: str
    legal: str
    short: str
    english: str
    domain: str
    brand_at: int
    trade: words.Trade
    place: words.Place


class _Names:
    """Gives every company a name of its own: brand, trade and place are not all three anybody else's."""

    def __init__(self, seed: int) -> None:
        self.brands = [
            (first + second, first_latin + second_latin)
            for first, first_latin in words.BRAND_FIRST.items()
            for second, second_latin in words.BRAND_SECOND.items()
        ]
        self._order = generator(seed, "brands").permutation(len(self.brands)).tolist()
        self._taken: set[str] = set()
        self._domains: set[str] = set()

    def branch(self, dice: Dice, parent: _Name) -> _Name | None:
        """上海星河智能科技有限公司苏州分公司, unless the parent has one in every place it tried."""
        for _ in range(20):
            place = dice.weighted(words.PLACES, words.PLACE_WEIGHTS)
            legal = f"{parent.legal}{place.name}分公司"
            if place != parent.place and legal not in self._taken:
                self._taken.add(legal)
                english = f"{parent.english} {place.english} Branch"
                short = f"{parent.short}{place.name}分公司"
                return _Name("branch", legal, short, english, parent.domain, parent.brand_at, parent.trade, place)
        return None

    def company(self, dice: Dice, number: int, trade: words.Trade, parent: _Name | None) -> _Name:
        # after the brands are used up they come again with another trade, as they do in life
        brand_at = self._order[number % len(self._order)] if parent is None else parent.brand_at
        brand, latin = self.brands[brand_at]
        place = dice.weighted(words.PLACES, words.PLACE_WEIGHTS)
        for _ in range(1000):
            if f"{brand}{trade.short}{place.name}" not in self._taken:
                break
            place = dice.pick(words.PLACES)
            trade = trade if dice.chance(0.5) else dice.pick(words.TRADES)
        self._taken.add(f"{brand}{trade.short}{place.name}")
        form = dice.weighted(words.LEGAL_FORMS, (70, 14, 9, 7) if parent is None else (85, 3, 12, 0))
        legal = (
            f"{place.name}{brand}{trade.legal}{form}"
            if dice.chance(0.85)
            else f"{brand}（{place.name}）{trade.legal}{form}"
        )
        english = f"{place.english} {latin.capitalize()} {trade.english} Co., Ltd."
        tail = dice.weighted((".cn", ".com.cn", ".com"), (5, 2, 3))
        stems = [latin, f"{latin}-{trade.slug}", f"{latin}-{trade.slug}-{place.area_code}"]
        stem = next((s for s in stems if s not in self._domains), f"{latin}-{number}")
        self._domains.add(stem)
        kind = "company" if parent is None else "subsidiary"
        return _Name(kind, legal, brand + trade.short, english, f"{stem}-demo{tail}", brand_at, trade, place)


def _companies(seed: int, profile: Profiles, window: Window) -> list[Company]:
    dice = Dice(seed, "companies")
    naming, names, count = _Names(seed), list[_Name](), len(profile.persona)
    found: list[Company] = []
    for number in range(count):
        parent = dice.whole(0, number - 1) if number > 4 and dice.chance(CHILD_SHARE) else None
        # a branch has no branches: what looks like one belongs to the company itself
        if parent is not None and names[parent].kind == "branch":
            parent = found[parent].parent
        name = naming.branch(dice, names[parent]) if parent is not None and dice.chance(BRANCH_SHARE) else None
        if name is None:
            trade = words.TRADES[int(profile.trade[number])]
            name = naming.company(dice, number, trade, None if parent is None else names[parent])
        names.append(name)
        earlier, when = dice.chance(EARLIER_SHARE), dice.uniform()
        start = -HISTORY_DAYS * when if earlier else 0.78 * window.days * when
        if number == 0:
            start = 0.02 * window.days
        value = float(profile.value[number])
        temper = Temper(
            buys=float(profile.win[number]),
            pace=float(np.exp(-0.25 * value)),
            churns=float(1 / (1 + np.exp(1.3 + 0.9 * value))),
        )
        story = journey(dice, start, window, temper, whole_way=number == 0)
        size = int(profile.employees[number])
        stage = profile.text(number, "funding_stage")
        brand = naming.brands[name.brand_at][0]
        found.append(
            Company(
                number=number,
                company_id=f"C{number + 1:06d}",
                kind=name.kind,
                legal_name=name.legal,
                short_name=name.short,
                brand=brand,
                english_name=name.english,
                traditional_name=name.legal.translate(words.TRADITIONAL),
                domain=name.domain,
                uscc=credit_code(dice, name.place.region),
                trade=name.trade,
                place=name.place,
                address=f"{name.place.city}{name.place.district}{dice.pick(words.ROADS)}{dice.whole(1, 999)}号",
                founded_year=dice.whole(1992, window.end.year - 4),
                employee_count=size,
                annual_revenue=size * dice.whole(40, 160) * 10_000,
                funding_stage=stage,
                total_funding=dice.whole(3, 400) * 1_000_000 if stage[-1] == "轮" else 0,
                parent=parent,
                switchboard=f"{name.place.area_code}-555{number % 100_000:05d}",
                product=dice.whole(0, len(words.PRODUCTS) - 1),
                persona=PERSONAS[int(profile.persona[number])],
                relation=RELATIONS[int(profile.relation[number])],
                fit=float(profile.fit[number]),
                win=float(profile.win[number]),
                value=value,
                satisfaction=min(max(7.4 + 1.1 * value + dice.between(-1.0, 1.0), 0.0), 10.0),
                margin=min(max(0.45 + 0.07 * value + dice.between(-0.04, 0.04), 0.1), 0.8),
                journey=story,
            )
        )
    return found
