"""The true world: companies, the people in them, their stories. The channels see parts of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import numpy as np
from stdnum.cn import uscc

from persona_warehouse.simulate import words
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.story import Journey, Window, journey

# so many people stand outside of any company, for every company
STRANGERS_PER_COMPANY = 0.55
MOBILE_PREFIXES = tuple(
    str(prefix) for prefix in (*range(130, 140), *range(150, 154), *range(155, 160), *range(180, 190))
)
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Company:
    """One company as it is. Money in CNY; `product` is the index of what it came for."""

    company_id: str
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
    parent_company_id: str | None
    switchboard: str
    product: int
    journey: Journey


@dataclass(frozen=True)
class Follow:
    """One follow of the WeChat account, in days of the story; `until` is None while it lasts."""

    since: float
    until: float | None


@dataclass(frozen=True)
class Person:
    """One person as they are.

    Attributes:
        company: index of the company; None for a stranger.
        work_email: the address at the company, empty for a stranger. `free_email` is empty for most.
        pace: how much they use the website, 1 on average.
        lead_at, lead_source: when and how the vendor learnt of them, if it did.
        follows: their follows of the WeChat account, in order.
    """

    person_id: str
    company: int | None
    full_name: str
    latin_name: str
    title: str
    post: words.Title | None
    work_email: str
    free_email: str
    mobile: str
    openid: str
    unionid: str
    influence: float
    pace: float
    lead_at: float | None
    lead_source: str
    follows: tuple[Follow, ...]

    @property
    def email(self) -> str:
        """The address the person gives: the free one of those who have one."""
        return self.free_email or self.work_email


@dataclass(frozen=True)
class World:
    """Everything true. People of one company stand together; strangers come last."""

    seed: int
    window: Window
    companies: tuple[Company, ...]
    people: tuple[Person, ...]

    def staff(self) -> list[list[int]]:
        """The indices of the people of each company."""
        found: list[list[int]] = [[] for _ in self.companies]
        for index, person in enumerate(self.people):
            if person.company is not None:
                found[person.company].append(index)
        return found


def build_world(seed: int, companies: int, window: Window) -> World:
    """The world of a seed. The same arguments give the same world."""
    firms = _companies(seed, companies, window)
    return World(seed, window, tuple(firms), tuple(_people(seed, firms, window)))


def credit_code(dice: Dice, region: str) -> str:
    """A unified social credit code (GB 32100-2015) whose organisation part (GB 11714) is right too."""
    body = "".join(dice.pick(CODE_ALPHABET[:10]) if i < 3 else dice.pick(CODE_ALPHABET) for i in range(8))
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(alphabet.index(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    code = f"91{region}{body}{'0123456789X'[(11 - total % 11) % 11]}"
    return code + uscc.calc_check_digit(code)


def _companies(seed: int, count: int, window: Window) -> list[Company]:
    dice = Dice(seed, "companies")
    brands = [
        (first + second, first_latin + second_latin)
        for first, first_latin in words.BRAND_FIRST.items()
        for second, second_latin in words.BRAND_SECOND.items()
    ]
    order = generator(seed, "brands").permutation(len(brands))
    found: list[Company] = []
    origins: list[tuple[int, words.Trade]] = []
    names: set[str] = set()
    domains: set[str] = set()
    for number in range(count):
        parent = dice.whole(0, number - 1) if number > 4 and dice.chance(0.08) else None
        if parent is None:
            # after the brands are used up they come again with another trade, as they do in life
            brand_at, trade = int(order[number % len(order)]), dice.pick(words.TRADES)
        else:
            brand_at, trade = origins[parent]
        place = dice.weighted(words.PLACES, words.PLACE_WEIGHTS)
        form = dice.weighted(words.LEGAL_FORMS, (72, 14, 10, 4) if parent is None else (85, 3, 12, 0))
        brand, latin = brands[brand_at]
        for _ in range(1000):
            if f"{brand}{trade.short}{place.name}" not in names:
                break
            trade, place = dice.pick(words.TRADES), dice.pick(words.PLACES)
        names.add(f"{brand}{trade.short}{place.name}")
        origins.append((brand_at, trade))
        legal = (
            f"{place.name}{brand}{trade.legal}{form}"
            if dice.chance(0.85)
            else f"{brand}（{place.name}）{trade.legal}{form}"
        )
        english = f"{place.english} {latin.capitalize()} {trade.english} Co., Ltd."
        tail = dice.weighted((".cn", ".com.cn", ".com"), (5, 2, 3))
        stems = [latin, f"{latin}-{trade.slug}", f"{latin}-{trade.slug}-{place.area_code}"]
        stem = next((s for s in stems if s not in domains), f"{latin}-{number}")
        domains.add(stem)
        start = 0.02 * window.days if number == 0 else (number + dice.uniform()) / count * 0.78 * window.days
        story = journey(dice, start, window, whole_way=number == 0)
        size = max(8, int(np.exp(5.2 + 1.1 * sum(dice.uniform() - 0.5 for _ in range(12)))))
        rounds = dice.weighted(words.FUNDING_STAGES, (40, 8, 14, 10, 6, 8, 14))
        found.append(
            Company(
                company_id=f"C{number + 1:06d}",
                legal_name=legal,
                short_name=brand + trade.short,
                brand=brand,
                english_name=english,
                traditional_name=legal.translate(words.TRADITIONAL),
                domain=f"{stem}-demo{tail}",
                uscc=credit_code(dice, place.region),
                trade=trade,
                place=place,
                address=f"{place.city}{place.district}{dice.pick(words.ROADS)}{dice.whole(1, 999)}号",
                founded_year=dice.whole(1992, window.end.year - 2),
                employee_count=size,
                annual_revenue=size * dice.whole(40, 160) * 10_000,
                funding_stage=rounds,
                total_funding=dice.whole(3, 400) * 1_000_000 if rounds[-1] == "轮" else 0,
                parent_company_id=None if parent is None else found[parent].company_id,
                switchboard=f"{place.area_code}-555{number % 100_000:05d}",
                product=dice.whole(0, len(words.PRODUCTS) - 1),
                journey=story,
            )
        )
    return found


def _posts(dice: Dice, size: int, least: int) -> list[words.Title]:
    """Who of a company takes part in a purchase: always one who decides; the larger the company, the more others."""
    extra = max(dice.count(0.4 + 0.5 * float(np.log10(size))), least - 1)
    posts = [dice.pick(words.FINAL_TITLES)]
    for _ in range(min(extra, 9)):
        posts.append(dice.pick(words.ADVISER_TITLES if dice.chance(0.45) else words.USER_TITLES))
    return posts


def _people(seed: int, companies: list[Company], window: Window) -> list[Person]:
    dice = Dice(seed, "people")
    slots: list[tuple[int | None, words.Title | None]] = [
        (index, post)
        for index, company in enumerate(companies)
        for post in _posts(dice, company.employee_count, least=3 if index == 0 else 1)
    ]
    slots += [(None, None)] * max(1, round(len(companies) * STRANGERS_PER_COMPANY))
    # every number has zeros in its middle: plain to see that it was made, and still one that parses
    room = max(10_000 * len(MOBILE_PREFIXES), 4 * len(slots))
    mobiles = generator(seed, "mobiles").choice(room, size=len(slots), replace=False).tolist()
    addresses: set[str] = set()
    people: list[Person] = []
    for index, ((at, post), mobile) in enumerate(zip(slots, mobiles, strict=True)):
        company = None if at is None else companies[at]
        full_name, latin, given_latin, family_latin = _name(dice)
        work = ""
        if company is not None:
            work = _address(dice, given_latin, family_latin, company.domain, addresses)
        free = ""
        if company is None or dice.chance(0.15):
            local = (
                str(10_000_000 + mobile * 37 + 11)
                if dice.chance(0.5)
                else f"{given_latin}{family_latin}{mobile % 1000}"
            )
            free = _unique(local, f"{dice.pick(words.FREE_MAIL)}", addresses)
        # the first three people become known by three channels, so that even one company fills all files
        certain = ("官网表单", "公众号", "展会")[index] if index < 3 else None
        lead_at, source = _lead(dice, company, window, certain)
        people.append(
            Person(
                person_id=f"P{index + 1:06d}",
                company=at,
                full_name=full_name,
                latin_name=latin,
                title=dice.pick(post.written) if post else dice.pick(words.STRANGER_TITLES),
                post=post,
                work_email=work,
                free_email=free,
                mobile=MOBILE_PREFIXES[mobile % len(MOBILE_PREFIXES)] + f"{mobile // len(MOBILE_PREFIXES):08d}",
                openid="o" + _token(seed, "openid", index, 27),
                unionid="oU" + _token(seed, "unionid", index, 26),
                influence=_influence(dice, post),
                pace=dice.span(1.0),
                lead_at=lead_at,
                lead_source=source,
                follows=_follows(dice, company, lead_at, source, window, stays=certain is not None),
            )
        )
    return people


def _name(dice: Dice) -> tuple[str, str, str, str]:
    """Full name, Latin name, given name and family name in Latin letters."""
    family, family_latin = dice.pick(tuple(words.FAMILY_NAMES.items()))
    given, given_latin = "", ""
    for _ in range(2 if dice.chance(0.82) else 1):
        character, latin = dice.pick(tuple(words.GIVEN_CHARACTERS.items()))
        given, given_latin = given + character, given_latin + latin
    shown = dice.pick(words.ENGLISH_GIVEN) if dice.chance(0.1) else given_latin.capitalize()
    return family + given, f"{shown} {family_latin.capitalize()}", given_latin, family_latin


def _address(dice: Dice, given: str, family: str, domain: str, taken: set[str]) -> str:
    local = dice.pick((f"{given}.{family}", f"{family}{given}", f"{family}.{given}", f"{given[0]}{family}"))
    return _unique(local, domain, taken)


def _unique(local: str, domain: str, taken: set[str]) -> str:
    address, number = f"{local}@{domain}", 1
    while address in taken:
        number += 1
        address = f"{local}{number}@{domain}"
    taken.add(address)
    return address


def _token(seed: int, kind: str, index: int, length: int) -> str:
    digest = hashlib.blake2b(f"{seed}:{kind}:{index}".encode(), digest_size=24).digest()
    return base64.urlsafe_b64encode(digest).decode()[:length]


def _influence(dice: Dice, post: words.Title | None) -> float:
    if post is None:
        return 0.0
    low = {"final": 0.7, "adviser": 0.35, "user": 0.1}[post.decision_role]
    return round(dice.between(low, low + 0.3), 3)


LEAD_SOURCES = ("官网表单", "百度推广", "公众号", "展会", "转介绍", "电话陌拜")


def _lead(dice: Dice, company: Company | None, window: Window, certain: str | None) -> tuple[float | None, str]:
    """When and how somebody becomes known: while their company looks around, or soon after."""
    source = certain or dice.weighted(LEAD_SOURCES, (34, 10, 20, 16, 10, 10))
    known, share = dice.chance(0.72) or certain is not None, dice.uniform()
    if company is None:
        return (share * window.days if dice.chance(0.45) else None), dice.weighted(LEAD_SOURCES, (50, 15, 20, 15, 0, 0))
    seek = company.journey.at("seek")
    if seek is None or not known:
        return None, ""
    until = company.journey.at("decide") or company.journey.ends
    return min(seek + share * max(until - seek, 0.2), window.days - 0.02), source


def _follows(
    dice: Dice, company: Company | None, lead_at: float | None, source: str, window: Window, *, stays: bool
) -> tuple[Follow, ...]:
    by_lead = lead_at is not None and source == "公众号"
    if not (dice.chance(0.95 if company is None else 0.76) or by_lead):
        return ()
    first = 0.0 if company is None else company.journey.days["need"]
    last = window.days if company is None else company.journey.ends
    since = dice.between(first, last)
    if lead_at is not None and source in ("公众号", "展会"):
        since = max(lead_at - 0.05, 0.0)
    since = min(since, window.days - 0.05)
    if stays or not dice.chance(0.18):
        return (Follow(since, None),)
    until = dice.between(since, window.days - 0.01)
    if not dice.chance(0.25):
        return (Follow(since, until),)
    return Follow(since, until), Follow(dice.between(until, window.days - 0.001), None)
