"""The people of the companies, and those of none: names, posts, roles, when the vendor learns of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from persona_warehouse.simulate import titles, words
from persona_warehouse.simulate.dice import Dice, generator
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.titles import Post

if TYPE_CHECKING:
    from persona_warehouse.simulate.world import Company

# so many people stand outside of any company, for every company
STRANGERS_PER_COMPANY = 0.55
MOBILE_PREFIXES = tuple(
    str(prefix) for prefix in (*range(130, 140), *range(150, 154), *range(155, 160), *range(180, 190))
)
LEAD_SOURCES = ("官网表单", "百度推广", "公众号", "展会", "转介绍", "电话陌拜")

# the chance that the vendor ever learns of somebody of a company that looks around
KNOWN_SHARE = 0.72
# followers that came to learn become known so many times more seldom than those that came to buy
FOLLOWER_LIFT = 4.0
LEARNER_SHARE = 0.3
# days before the window in which learners began to follow
LEARNER_DAYS = 700
MOVE_SHARE = 0.03


@dataclass(frozen=True)
class Follow:
    """One follow of the WeChat account, in days of the story; `until` is None while it lasts.

    `purpose` is sourcing (near a purchase) or learning (for years, whatever the company buys).
    """

    since: float
    until: float | None
    purpose: str


@dataclass(frozen=True)
class Move:
    """A change of employer: the day, and the index, post and address at the next company."""

    day: float
    company: int
    post: Post
    title: str
    work_email: str


@dataclass(frozen=True)
class Person:
    """One person as they are.

    Attributes:
        company: index of the company; None for a stranger.
        work_email: the address at the company, empty for a stranger. `free_email` is empty for most.
        decision_role, buying_role: what they are in a purchase, mostly what their post says.
        learner: reads to learn, not to buy.
        pace: how much they use the website, 1 on average.
        lead_at, lead_source: when and how the vendor learnt of them, if it did.
        follows: their follows of the WeChat account, in order.
        move: their next employer, if they changed.
    """

    person_id: str
    company: int | None
    full_name: str
    latin_name: str
    title: str
    post: Post | None
    decision_role: str
    buying_role: str
    kpi: str
    pain: str
    work_email: str
    free_email: str
    mobile: str
    openid: str
    unionid: str
    influence: float
    learner: bool
    pace: float
    lead_at: float | None
    lead_source: str
    follows: tuple[Follow, ...]
    move: Move | None

    @property
    def email(self) -> str:
        """The address the person gives: the free one of those who have one."""
        return self.free_email or self.work_email

    def company_on(self, day: float) -> int | None:
        """The index of the employer on a day."""
        return self.move.company if self.move is not None and day >= self.move.day else self.company


def people(seed: int, companies: list[Company], window: Window) -> list[Person]:
    """All people. Those of one company stand together; strangers come last."""
    dice = Dice(seed, "people")
    slots: list[tuple[int | None, Post | None]] = [
        (index, post)
        for index, company in enumerate(companies)
        for post in _posts(dice, company, least=3 * (not index))
    ]
    slots += [(None, None)] * max(1, round(len(companies) * STRANGERS_PER_COMPANY))
    # every number has zeros in its middle: plain to see that it was made, and still one that parses
    room = max(10_000 * len(MOBILE_PREFIXES), 4 * len(slots))
    mobiles = generator(seed, "mobiles").choice(room, size=len(slots), replace=False).tolist()
    addresses: set[str] = set()
    found: list[Person] = []
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
        role, buying = _role(dice, post, usual=index < 3)
        learner = dice.chance(LEARNER_SHARE) and certain is None
        lead_at, source = _lead(dice, company, window, certain, learner=learner)
        kpi, pain = dice.pick(post.duties) if post else ("", "")
        title = dice.pick(post.written) if post else dice.pick(words.STRANGER_TITLES)
        follows = _follows(dice, company, lead_at, source, window, learner=learner, stays=certain is not None)
        move = None
        if company is not None and dice.chance(MOVE_SHARE) and certain is None:
            move = _move(dice, companies, company, post, window, (given_latin, family_latin), addresses)
        found.append(
            Person(
                person_id=f"P{index + 1:06d}",
                company=at,
                full_name=full_name,
                latin_name=latin,
                title=title,
                post=post,
                decision_role=role,
                buying_role=buying,
                kpi=kpi,
                pain=pain,
                work_email=work,
                free_email=free,
                mobile=MOBILE_PREFIXES[mobile % len(MOBILE_PREFIXES)] + f"{mobile // len(MOBILE_PREFIXES):08d}",
                openid="o" + _token(seed, "openid", index, 27),
                unionid="oU" + _token(seed, "unionid", index, 26),
                influence=_influence(dice, role),
                learner=learner,
                pace=dice.span(1.0),
                lead_at=lead_at,
                lead_source=source,
                follows=follows,
                move=move,
            )
        )
    return found


def _posts(dice: Dice, company: Company, least: int) -> list[Post]:
    """Who of a company takes part in a purchase: always one who decides; the larger the company, the more others."""
    extra = max(dice.count(0.4 + 0.5 * float(np.log10(company.employee_count))), least - 1)
    posts = [dice.weighted(titles.FINAL_POSTS, titles.FINAL_WEIGHTS[company.persona])]
    for _ in range(min(extra, 9)):
        posts.append(dice.pick(titles.ADVISER_POSTS if dice.chance(0.45) else titles.USER_POSTS))
    return posts


def _role(dice: Dice, post: Post | None, *, usual: bool) -> tuple[str, str]:
    if post is None:
        return "", ""
    if usual or dice.chance(titles.USUAL_ROLE):
        return post.decision_role, post.buying_role
    other = dice.pick(tuple(role for role in titles.BUYING_ROLE if role != post.decision_role))
    return other, titles.BUYING_ROLE[other]


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


def _influence(dice: Dice, role: str) -> float:
    if not role:
        return 0.0
    low = {"final": 0.7, "adviser": 0.35, "user": 0.1}[role]
    return round(dice.between(low, low + 0.3), 3)


def _lead(
    dice: Dice, company: Company | None, window: Window, certain: str | None, *, learner: bool
) -> tuple[float | None, str]:
    """When and how somebody becomes known: while their company looks around, or soon after."""
    source = certain or dice.weighted(LEAD_SOURCES, (34, 10, 20, 16, 10, 10))
    mark, share = dice.uniform(), dice.uniform()
    known = certain is not None or mark < KNOWN_SHARE / (FOLLOWER_LIFT if learner else 1)
    if company is None:
        return (share * window.days if mark < 0.45 else None), dice.weighted(LEAD_SOURCES, (50, 15, 20, 15, 0, 0))
    seek = company.journey.at("seek")
    if seek is None or not known:
        return None, ""
    if company.relation != "prospect" and mark > 0.2:
        return None, ""
    until = company.journey.at("decide") or company.journey.ends
    return min(seek + share * max(until - seek, 0.2), window.days - 0.02), source


def _follows(
    dice: Dice,
    company: Company | None,
    lead_at: float | None,
    source: str,
    window: Window,
    *,
    learner: bool,
    stays: bool,
) -> tuple[Follow, ...]:
    by_lead = lead_at is not None and source == "公众号"
    if not (dice.chance(0.95 if company is None else 0.76) or by_lead):
        return ()
    place, leaves, again = dice.uniform(), dice.chance(0.18) and not stays, dice.chance(0.25)
    purpose = "learning" if learner or company is None else "sourcing"
    if learner or company is None:
        since = -LEARNER_DAYS + place * (LEARNER_DAYS + window.days)
    else:
        # who is to buy follows when the need is felt, not years before
        need, seek = company.journey.entries[0][1], company.journey.at("seek")
        until = company.journey.at("decide") or (seek or need) + 15
        since = need + place * (until - need)
    if lead_at is not None and source in ("公众号", "展会"):
        since = min(since, lead_at - 0.05) if learner else lead_at - 0.05
    since = min(since, window.days - 0.05)
    if since < 0 and company is not None and company.journey.entries[0][1] >= 0 and not learner:
        since = 0.0
    if not leaves:
        return (Follow(since, None, purpose),)
    until = dice.between(since, window.days - 0.01)
    if not again:
        return (Follow(since, until, purpose),)
    return Follow(since, until, purpose), Follow(dice.between(until, window.days - 0.001), None, purpose)


def _move(
    dice: Dice,
    companies: list[Company],
    company: Company,
    post: Post | None,
    window: Window,
    latin: tuple[str, str],
    taken: set[str],
) -> Move | None:
    """A new employer, the same trade of work."""
    day, other, same = dice.between(0.2, 0.95) * window.days, dice.whole(0, len(companies) - 1), dice.chance(0.7)
    if other == company.number or post is None or companies[other].domain == company.domain:
        return None
    pools = {"final": titles.FINAL_POSTS, "adviser": titles.ADVISER_POSTS, "user": titles.USER_POSTS}
    next_post = post if same else dice.pick(pools[post.decision_role])
    address = _address(dice, *latin, companies[other].domain, taken)
    return Move(day, other, next_post, dice.pick(next_post.written), address)
