"""Who visits the website when, on which device and what for, as arrays from end to end."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from persona_warehouse.simulate import site
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.episodes import Episode
from persona_warehouse.simulate.personas import choose
from persona_warehouse.simulate.story import Window
from persona_warehouse.simulate.world import Company, World

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SECOND = 1_000_000
DAY = 86_400 * SECOND

HUMAN, PASSER, BOT, STAFF = range(4)
KINDS = ("person", "visitor", "bot", "staff")

REGIMES = tuple(site.STAGE_PURPOSES)
# visits a day of one person with the pace 1, by what goes on
VISITS = {
    "need": 0.08,
    "seek": 0.24,
    "seek_product": 0.24,
    "weigh": 0.2,
    "decide": 0.16,
    "use": 0.05,
    "renew": 0.05,
    "churn": 0.03,
    "learning": 0.02,
    "rival": 0.12,
}
# in a later project, and in a burst of learning, a few people come often
LATER_VISITS, BURST_VISITS = 0.28, 0.9
# of those who come to learn: what they take part in of the purchase
LEARNER_PACE = 0.25
# the topic of a visit is that of the episode, mostly
ON_TOPIC = 0.92
PASSERS_PER_COMPANY = 2.0
STAFF_SHARE = 0.03
STAFF_PEOPLE = 6
LEAD_FORM_SOURCES = ("官网表单", "百度推广")


@dataclass(frozen=True)
class Visits:
    """One entry per visit. Times in microseconds of business-zone time since the window's first midnight.

    Attributes:
        who: index of the person; for passers-by and staff a number of their own kind.
        firm: index of the company from whose office a person comes, -1 for none.
        purpose: code of site.PURPOSES. `topic`: index of a product, -1 for none. `episode`: -1 for none.
        ends_at: the moment of the form that made the person a lead, -1 for all other visits.
        form: the visit ends with a form. `login`: it begins with a login.
    """

    kind: Ints
    who: Ints
    firm: Ints
    purpose: Ints
    topic: Ints
    episode: Ints
    start: Ints
    device: Ints
    pages: Ints
    channel: Ints
    form: Bools
    login: Bools
    with_openid: Bools
    ends_at: Ints

    def take(self, rows: Ints | Bools) -> Visits:
        return Visits(*(getattr(self, column.name)[rows] for column in fields(self)))

    def __len__(self) -> int:
        return len(self.who)

    @staticmethod
    def join(parts: list[Visits]) -> Visits:
        return Visits(*(np.concatenate([getattr(p, column.name) for p in parts]) for column in fields(Visits)))


@dataclass(frozen=True)
class _Segment:
    """A person's expected visits in a span of days."""

    who: int
    firm: int
    regime: int
    topic: int
    episode: int
    since: float
    until: float
    expected: float


def _segments(world: World, episodes: list[Episode]) -> list[_Segment]:
    """What every person is expected to do, company by company."""
    of: dict[int, list[tuple[int, Episode]]] = {}
    for number, episode in enumerate(episodes):
        of.setdefault(episode.company, []).append((number, episode))
    found: list[_Segment] = []
    days = float(world.window.days)
    for index, person in enumerate(world.people):
        if person.company is None:
            if person.lead_at is not None:
                since = max(person.lead_at - 2, 0.0)
                found.append(_Segment(index, -1, REGIMES.index("learning"), -1, -1, since, person.lead_at, 0.5))
            continue
        left = days if person.move is None else person.move.day
        spells = [(person.company, 0.0, left)]
        if person.move is not None:
            spells.append((person.move.company, left, days))
        for firm, since, until in spells:
            for one in _spell(world.companies[firm], of.get(firm, []), index, person.learner):
                start, end = max(one.since, since), min(one.until, until)
                if end > start:
                    expected = one.expected * (end - start) * person.pace
                    found.append(_Segment(index, firm, one.regime, one.topic, one.episode, start, end, expected))
    return found


def _spell(company: Company, own: list[tuple[int, Episode]], person: int, learner: bool) -> list[_Segment]:
    """What goes on for a person in a company; `expected` is the number of visits a day."""
    found: list[_Segment] = []

    def add(regime: str, topic: int, episode: int, since: float, until: float, rate: float) -> None:
        found.append(_Segment(person, company.number, REGIMES.index(regime), topic, episode, since, until, rate))

    for number, episode in own:
        if episode.pattern == "periodic":
            if person % 2 == company.number % 2:
                add("learning", episode.topic, number, episode.since, episode.until, BURST_VISITS)
        elif company.relation != "prospect":
            add("rival", episode.topic, number, episode.since, episode.until, VISITS["rival"])
        elif episode.topic != company.product:
            middle = (episode.since + episode.until) / 2
            add("seek_product", episode.topic, number, episode.since, middle, LATER_VISITS)
            add("weigh", episode.topic, number, middle, episode.until, LATER_VISITS)
        else:
            pace = LEARNER_PACE if learner else 1.0
            for regime, since, until in _buying(company):
                add(regime, episode.topic, number, since, until, VISITS[regime] * pace)
    stages = [*company.journey.entries, ("", company.journey.ends)]
    for (stage, since), (_, until) in pairwise(stages):
        if stage in ("use", "renew", "churn"):
            add(stage, company.product, -1, since, until, VISITS[stage])
    if learner:
        add("learning", -1, -1, 0.0, 1e9, VISITS["learning"])
    return found


def _buying(company: Company) -> list[tuple[str, float, float]]:
    """(what, since, until) from the need to the decision; a seeker comes to know the product halfway."""
    story = company.journey
    stages = [*story.entries, ("", story.ends)]
    found = []
    for (stage, since), (_, until) in pairwise(stages):
        if stage == "seek":
            known = product_aware(since, until)
            found += [("seek", since, known), ("seek_product", known, until)]
        elif stage in ("need", "weigh", "decide"):
            found.append((stage, since, until))
    return found


def product_aware(since: float, until: float) -> float:
    """The day on which a seeker comes to know the product."""
    return (since + until) / 2


def visits(world: World, episodes: list[Episode]) -> Visits:
    """All visits of people, passers-by and the vendor's own staff."""
    dice = generator(world.seed, "sessions")
    days = world.window.days
    segments = _segments(world, episodes)

    def column(name: str, kind: type) -> np.ndarray:
        return np.array([getattr(one, name) for one in segments], dtype=kind)

    since, until = column("since", float), column("until", float)
    counts = dice.poisson(column("expected", float))
    who, firm, regime, topic, episode = (
        np.repeat(column(name, np.int64), counts) for name in ("who", "firm", "regime", "topic", "episode")
    )
    day = np.repeat(since, counts) + dice.random(len(who)) * np.repeat(until - since, counts)
    day = np.clip(day.astype(np.int64), 0, days - 1)
    weekday = (day + world.window.first.weekday()) % 7
    kept = (weekday < 5) | (dice.random(len(who)) < 0.3)
    kind = np.full(len(who), HUMAN)

    # passers-by: one or two short visits, never heard of again; and the vendor's own people
    passers = round(len(world.companies) * PASSERS_PER_COMPANY)
    passer = np.repeat(np.arange(passers), dice.integers(1, 3, passers))
    staff = dice.integers(0, STAFF_PEOPLE, max(2, round(len(who) * STAFF_SHARE)))
    extra = np.concatenate([passer, staff])
    nothing, passing = np.full(len(extra), -1), np.full(len(extra), REGIMES.index("passing"))
    kind = np.concatenate([kind, np.full(len(passer), PASSER), np.full(len(staff), STAFF)])
    who, firm = np.concatenate([who, extra]), np.concatenate([firm, nothing])
    regime = np.concatenate([regime, passing])
    topic, episode = np.concatenate([topic, nothing]), np.concatenate([episode, nothing])
    day = np.concatenate([day, dice.integers(0, days, len(extra))])
    kept = np.concatenate([kept, np.ones(len(extra), dtype=bool)])

    number = len(who)
    weights = np.array(list(site.STAGE_PURPOSES.values()), dtype=float)
    purpose = choose(dice.random(number), weights / weights.sum(axis=1, keepdims=True), regime)
    topic = np.where((topic < 0) | (dice.random(number) > ON_TOPIC), dice.integers(0, 6, number), topic)
    topic = np.where(regime == REGIMES.index("passing"), -1, topic)
    learning = np.isin(purpose, (site.TECHNOLOGY, site.PROCESS))
    hour = _hours(dice, learning)
    weekday = (day + world.window.first.weekday()) % 7
    at_work = (weekday < 5) & (hour >= 8.5) & (hour < 18.5)
    device = np.where(kind == STAFF, site.OFFICE, _devices(dice, at_work))
    start = (day * DAY + hour * 3600 * SECOND).astype(np.int64)
    channel = np.where(kind == STAFF, 0, _channels(dice, device))
    pages = 1 + dice.poisson(np.where(purpose == site.PASSING, 1.2, np.where(learning, 4.0, 5.6)))
    seeking = np.isin(regime, [REGIMES.index(name) for name in ("seek", "seek_product", "weigh")])
    form = (kind == HUMAN) & seeking & (dice.random(number) < 0.04)
    form |= (kind == STAFF) & (dice.random(number) < 0.05)
    login = (purpose == site.OWN_PRODUCT) & (device != site.WECHAT) & (pages > 1) & (dice.random(number) < 0.6)
    with_openid = _knows_openid(world, dice, kind, who, start) & (device == site.WECHAT)
    found = Visits(
        kind,
        who,
        firm,
        purpose,
        topic,
        episode,
        start,
        device,
        pages,
        channel,
        form,
        login,
        with_openid,
        np.full(number, -1),
    )
    return Visits.join([found.take(kept), _lead_visits(world, episodes)])


def _hours(dice: np.random.Generator, learning: Bools) -> Floats:
    """Hours of the day as B2B visitors keep them: two humps of office time; who learns does so in the evening too."""
    office = np.array([1, 0, 0, 0, 0, 0, 1, 3, 10, 22, 24, 18, 9, 14, 22, 23, 20, 15, 7, 5, 7, 8, 5, 2], dtype=float)
    evening = np.array([2, 0, 0, 0, 0, 0, 2, 6, 9, 9, 9, 7, 12, 8, 8, 8, 8, 7, 8, 14, 24, 26, 18, 6], dtype=float)
    weights = np.stack([office / office.sum(), evening / evening.sum()])
    return choose(dice.random(len(learning)), weights, learning.astype(np.int64)) + dice.random(len(learning))


def _devices(dice: np.random.Generator, at_work: Bools) -> Ints:
    mark = dice.random(len(at_work))
    working = np.searchsorted([0.72, 0.89, 0.89], mark, side="right")
    private = np.searchsorted([0.05, 0.45, 0.75], mark, side="right")
    return np.where(at_work, working, private).astype(np.int64)


def _channels(dice: np.random.Generator, device: Ints) -> Ints:
    mark = dice.random(len(device))
    normal = np.searchsorted(np.cumsum(site.CHANNEL_WEIGHTS) / sum(site.CHANNEL_WEIGHTS), mark, side="right")
    inside = np.searchsorted(np.cumsum(site.WECHAT_WEIGHTS) / sum(site.WECHAT_WEIGHTS), mark, side="right")
    return np.where(device == site.WECHAT, inside, normal).clip(0, len(site.CHANNELS) - 1).astype(np.int64)


def _knows_openid(world: World, dice: np.random.Generator, kind: Ints, who: Ints, start: Ints) -> Bools:
    """Whether the H5 page in WeChat was told the openid: followers only, and not always."""
    since = np.array([p.follows[0].since * DAY if p.follows else np.inf for p in world.people])
    person = np.where(kind == HUMAN, who, 0)
    return (kind == HUMAN) & (start >= since[person]) & (dice.random(len(who)) < 0.6)


def _lead_visits(world: World, episodes: list[Episode]) -> Visits:
    """The visits that ended with the form by which the CRM learnt of somebody."""
    dice = generator(world.seed, "lead forms")
    main = {}
    for number, episode in enumerate(episodes):
        if episode.pattern == "staged" and episode.topic == world.companies[episode.company].product:
            main[episode.company] = number
    leads = [
        (index, person.lead_at)
        for index, person in enumerate(world.people)
        if person.lead_at is not None and person.lead_at >= 0 and person.lead_source in LEAD_FORM_SOURCES
    ]
    who = np.array([index for index, _ in leads], dtype=np.int64)
    number = len(who)
    sent = np.array([form_microseconds(world.window, day) for _, day in leads], dtype=np.int64)
    paid = np.array([world.people[index].lead_source == "百度推广" for index in who.tolist()], dtype=bool)
    firm = np.array([-1 if (p := world.people[i].company) is None else p for i in who.tolist()], dtype=np.int64)
    topic = np.array([-1 if f < 0 else world.companies[f].product for f in firm.tolist()], dtype=np.int64)
    device = np.where(dice.random(number) < 0.8, site.OFFICE, site.MOBILE)
    channel = np.where(paid, 4 + dice.integers(0, 2, number), _channels(dice, device))
    no = np.zeros(number, dtype=bool)
    return Visits(
        kind=np.full(number, HUMAN),
        who=who,
        firm=firm,
        purpose=np.where(firm < 0, site.TECHNOLOGY, site.PROCUREMENT),
        topic=topic,
        episode=np.array([main.get(f, -1) for f in firm.tolist()], dtype=np.int64),
        start=sent - 3600 * SECOND,
        device=device,
        pages=2 + dice.poisson(3.0, number),
        channel=channel,
        form=~no,
        login=no,
        with_openid=no,
        ends_at=sent,
    )


def form_microseconds(window: Window, day: float) -> int:
    """The moment at which a lead's form was sent, in microseconds since the window's first midnight."""
    moment = window.office_time(day)
    elapsed = moment.date() - window.first
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return elapsed.days * DAY + seconds * SECOND
