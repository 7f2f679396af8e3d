"""What the website saw: sessions of people on several devices, passers-by and robots, as arrays from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from persona_warehouse.simulate import site
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.story import STAGES, Window
from persona_warehouse.simulate.world import World

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PASSING = len(STAGES)
STAGE_NAMES = (*STAGES, "passing")
# visits a day of one person with the pace 1, by stage
VISITS = dict(zip(STAGE_NAMES, (0.06, 0.2, 0.17, 0.13, 0.05, 0.05, 0.02, 0.0), strict=True))
PASSERS_PER_COMPANY = 2.0
BOT_SHARE = 0.11
PAGE_VIEW, FORM_SUBMIT, LOGIN = range(3)
EVENT_NAMES = ("page_view", "form_submit", "login")
SECOND = 1_000_000
DAY = 86_400 * SECOND

HUMAN, PASSER, BOT = range(3)
KINDS = ("person", "visitor", "bot")
LEAD_FORM_SOURCES = ("官网表单", "百度推广")


@dataclass(frozen=True)
class Sessions:
    """One entry per visit. Times in microseconds of business-zone time since the window's first midnight.

    Attributes:
        who: index of the person; for passers-by and robots a number of their own kind.
        ends_at: the moment of the form that made the person a lead, -1 for all other visits.
        form: the visit ends with a form. `login`: it begins with a login.
    """

    kind: Ints
    who: Ints
    stage: Ints
    start: Ints
    device: Ints
    pages: Ints
    channel: Ints
    form: Bools
    login: Bools
    with_openid: Bools
    ends_at: Ints


@dataclass(frozen=True)
class Events:
    """One entry per row of the files; codes point into the lists of `Site`. -1 stands for nothing.

    `number` names the event: rows with the same number are the same event. Times are microseconds since the window's
    first midnight in the business zone; they become UTC on writing.
    """

    number: Ints
    kind: Ints
    who: Ints
    visitor: Ints
    user: Ints
    occurred: Ints
    received: Ints
    name: Ints
    page: Ints
    referrer: Ints
    channel: Ints
    agent: Ints
    ip: Ints
    email: Ints
    phone: Ints
    openid: Ints
    status: Ints
    flaw: Ints

    def take(self, rows: Ints | Bools) -> Events:
        return Events(*(getattr(self, column.name)[rows] for column in fields(self)))

    def replace(self, **columns: npt.NDArray[np.int64]) -> Events:
        return Events(*(columns.get(column.name, getattr(self, column.name)) for column in fields(self)))

    def __len__(self) -> int:
        return len(self.number)

    @staticmethod
    def join(parts: Sequence[Events]) -> Events:
        return Events(*(np.concatenate([getattr(p, column.name) for p in parts]) for column in fields(Events)))


AGENTS = (*(agent for agents in site.DEVICE_AGENTS for agent in agents), *site.BOT_AGENTS, site.STORM_AGENT)
FIRST_BOT_AGENT = 2 * len(site.DEVICE_AGENTS)
STORM_AGENT = len(AGENTS) - 1
# referrers: the outside ones of the channels, then the site's own pages
OUTSIDE = tuple(dict.fromkeys(c.referrer for c in site.CHANNELS if c.referrer))
REFERRERS = (*OUTSIDE, *(site.HOST + page.path for page in site.PAGES))
FIRST_PAGE_OF = {category: [p.category for p in site.PAGES].index(category) for category in site.CATEGORIES}


def events(world: World) -> Events:
    """All events of the world in order of receipt, without duplicates or faults."""
    visits = _sessions(world)
    humans = _events_of(world, visits)
    found = Events.join([humans, _bots(world, len(humans))])
    found = found.take(found.occurred < world.window.days * DAY)
    found = found.take(np.lexsort((found.who, found.visitor, found.occurred)))
    return found.replace(number=np.arange(len(found)))


def with_flaws(world: World, clean: Events) -> Events:
    """Adds what every web log has: late arrival, a few rows twice, two that cannot be read."""
    dice = generator(world.seed, "web flaws")
    end = world.window.days * DAY
    delay = dice.lognormal(-0.5, 0.7, len(clean)) * SECOND
    late = dice.random(len(clean)) < 0.03
    delay = np.where(late, delay + dice.exponential(0.25 * DAY, len(clean)), delay).astype(np.int64)
    received = np.minimum(clean.occurred + delay, end - 1000)
    received = np.maximum(received, clean.occurred)
    found = clean.replace(received=received)
    flaw = np.zeros(len(found), dtype=np.int64)
    plain = np.flatnonzero((found.name == PAGE_VIEW) & (found.user < 0) & (found.referrer >= len(OUTSIDE)))
    if len(plain) >= 100:
        flaw[dice.choice(plain, 2, replace=False)] = (1, 2)
    twice = np.flatnonzero((dice.random(len(found)) < 0.003) & (flaw == 0))
    found = found.replace(flaw=flaw).take(np.concatenate([np.arange(len(found)), twice]))
    return in_order(found)


def in_order(found: Events) -> Events:
    """As a collector writes them: by the moment of receipt."""
    return found.take(np.lexsort((found.number, found.received)))


def _segments(world: World) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Person, stage, first day, last day and visits expected, for every person and stage they went through."""
    rows: list[tuple[int, int, float, float, float]] = []
    for index, person in enumerate(world.people):
        if person.company is None:
            if person.lead_at is not None:
                rows.append((index, STAGES.index("seek"), max(person.lead_at - 2, 0.0), person.lead_at, 0.5))
            continue
        story = world.companies[person.company].journey
        stages = [*((stage, world.window.working_day(day)) for stage, day in story.days.items()), ("", story.ends)]
        for (stage, since), (_, until) in pairwise(stages):
            expected = (until - since) * VISITS[stage] * person.pace
            rows.append((index, STAGES.index(stage), since, until, expected))
    who, stage_at, since_at, until_at, expect = (np.array(column) for column in zip(*rows, strict=True))
    return who.astype(np.int64), stage_at.astype(np.int64), since_at, until_at, expect


def _sessions(world: World) -> Sessions:
    dice = generator(world.seed, "sessions")
    days = world.window.days
    who, stage, since, until, expected = _segments(world)
    counts = dice.poisson(expected)
    who, stage = np.repeat(who, counts), np.repeat(stage, counts)
    since, until = np.repeat(since, counts), np.repeat(until, counts)
    day = np.minimum((since + dice.random(len(who)) * (until - since)).astype(np.int64), days - 1)
    weekday = (day + world.window.first.weekday()) % 7
    kept = (weekday < 5) | (dice.random(len(who)) < 0.3)
    who, stage, day, weekday = who[kept], stage[kept], day[kept], weekday[kept]
    kind = np.full(len(who), HUMAN)

    # passers-by: one or two short visits, never heard of again
    passers = round(len(world.companies) * PASSERS_PER_COMPANY)
    passer = np.repeat(np.arange(passers), dice.integers(1, 3, passers))
    kind = np.concatenate([kind, np.full(len(passer), PASSER)])
    who, stage = np.concatenate([who, passer]), np.concatenate([stage, np.full(len(passer), PASSING)])
    day = np.concatenate([day, dice.integers(0, days, len(passer))])
    weekday = (day + world.window.first.weekday()) % 7

    number = len(who)
    hour = _hours(dice, number)
    at_work = (weekday < 5) & (hour >= 8.5) & (hour < 18.5)
    device = _devices(dice, at_work)
    start = (day * DAY + hour * 3600 * SECOND).astype(np.int64)
    channel = _channels(dice, device)
    pages = 1 + dice.poisson(np.where(stage == PASSING, 1.2, 5.6))
    form = (kind == HUMAN) & np.isin(stage, (1, 2)) & (dice.random(number) < 0.04)
    in_use = np.isin(stage, (STAGES.index("use"), STAGES.index("renew")))
    login = in_use & (device != site.WECHAT) & (pages > 1) & (dice.random(number) < 0.6)
    with_openid = _knows_openid(world, dice, kind, who, start) & (device == site.WECHAT)
    plain = Sessions(kind, who, stage, start, device, pages, channel, form, login, with_openid, np.full(number, -1))
    return _join([plain, _lead_visits(world)])


def _join(parts: list[Sessions]) -> Sessions:
    return Sessions(*(np.concatenate([getattr(p, column.name) for p in parts]) for column in fields(Sessions)))


def _hours(dice: np.random.Generator, count: int) -> Floats:
    """Hours of the day as B2B visitors keep them: two humps of office time, a low one in the evening."""
    weights = np.array([1, 0, 0, 0, 0, 0, 1, 3, 10, 22, 24, 18, 9, 14, 22, 23, 20, 15, 7, 5, 7, 8, 5, 2], dtype=float)
    edges = np.cumsum(weights / weights.sum())
    return np.searchsorted(edges, dice.random(count), side="right").clip(0, 23) + dice.random(count)


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


def _lead_visits(world: World) -> Sessions:
    """The visits that ended with the form by which the CRM learnt of somebody."""
    dice = generator(world.seed, "lead forms")
    leads = [
        (index, person.lead_at)
        for index, person in enumerate(world.people)
        if person.lead_at is not None and person.lead_source in LEAD_FORM_SOURCES
    ]
    who = np.array([index for index, _ in leads], dtype=np.int64)
    number = len(who)
    sent = np.array([form_microseconds(world.window, day) for _, day in leads], dtype=np.int64)
    paid = np.array([world.people[index].lead_source == "百度推广" for index in who], dtype=bool)
    device = np.where(dice.random(number) < 0.8, site.OFFICE, site.MOBILE)
    channel = np.where(paid, 4 + dice.integers(0, 2, number), _channels(dice, device))
    no = np.zeros(number, dtype=bool)
    return Sessions(
        kind=np.full(number, HUMAN),
        who=who,
        stage=np.full(number, STAGES.index("seek")),
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


def _events_of(world: World, visits: Sessions) -> Events:
    """The rows of the visits: pages with the time spent on them, a login before or a form after where there is one."""
    dice = generator(world.seed, "events")
    sizes = visits.pages + visits.form
    visit = np.repeat(np.arange(len(sizes)), sizes)
    total = len(visit)
    firsts = np.cumsum(sizes) - sizes
    place = np.arange(total) - firsts[visit]
    is_last = place == sizes[visit] - 1
    name = np.where(is_last & visits.form[visit], FORM_SUBMIT, PAGE_VIEW)
    name = np.where((place == 1) & visits.login[visit], LOGIN, name)

    spent = np.minimum(dice.lognormal(3.6, 1.0, total), 1400.0)
    spent[place == 0] = 0.0
    elapsed = np.cumsum(spent)
    elapsed -= elapsed[firsts][visit]
    # a form that made a lead stands at its moment, and the pages before it move along
    length = elapsed[firsts + sizes - 1]
    shift = np.where(visits.ends_at >= 0, visits.ends_at - length * SECOND, visits.start)
    occurred = (shift[visit] + elapsed * SECOND).astype(np.int64) // 1000 * 1000
    form_time = is_last & (visits.ends_at[visit] >= 0)
    occurred = np.where(form_time, visits.ends_at[visit], occurred)

    kind, who, device = visits.kind[visit], visits.who[visit], visits.device[visit]
    human = kind == HUMAN
    page = _pages(world, dice, visits.stage[visit], np.where(human, who, -1))
    is_paper = dice.random(len(sizes)) < 0.5
    form_page = np.where(is_paper & (visits.ends_at < 0), FIRST_PAGE_OF["download"], FIRST_PAGE_OF["contact"])
    page = np.where(visits.form[visit] & (place >= sizes[visit] - 2), form_page[visit], page)
    page = np.where((name == LOGIN), FIRST_PAGE_OF["login"], page)
    before = np.concatenate([[0], page[:-1]])
    outside = np.array([OUTSIDE.index(c.referrer) if c.referrer else -1 for c in site.CHANNELS])
    channel = visits.channel[visit]
    referrer = np.where(place == 0, outside[channel], len(OUTSIDE) + before)

    gives_phone = dice.random(len(sizes)) < 0.6
    is_form = name == FORM_SUBMIT
    return Events(
        number=np.arange(total),
        kind=kind,
        who=who,
        visitor=_visitors(world, visits, visit),
        user=np.where(visits.login[visit] & (place >= 1), who, -1),
        occurred=np.maximum(occurred, 0),
        received=occurred,
        name=name,
        page=page,
        referrer=referrer,
        channel=np.where(place == 0, channel, 0),
        agent=device * 2 + (who * 7 + device) % 2,
        ip=_addresses(world, dice, visits)[visit],
        email=np.where(is_form & human, who, -1),
        phone=np.where(is_form & human & gives_phone[visit], who, -1),
        openid=np.where(visits.with_openid[visit] & human, who, -1),
        status=np.where(dice.random(total) < 0.004, 404, 200),
        flaw=np.zeros(total, dtype=np.int64),
    )


def _pages(world: World, dice: np.random.Generator, stage: Ints, who: Ints) -> Ints:
    """A page for every view: the category by the stage, the page in it by what the company came for."""
    weights = np.array([[site.INTERESTS[s].get(c, 0.0) for c in site.CATEGORIES] for s in STAGE_NAMES])
    edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    mark = dice.random(len(stage))
    category = (mark[:, None] >= edges[stage]).sum(axis=1).clip(0, len(site.CATEGORIES) - 1)
    first = np.array([FIRST_PAGE_OF[c] for c in site.CATEGORIES])[category]
    size = np.array([sum(p.category == c for p in site.PAGES) for c in site.CATEGORIES])[category]
    any_page = first + (dice.random(len(stage)) * size).astype(np.int64)
    # pages about products stand product by product, as many for each
    by_product = np.array([c in ("products", "cases", "compare", "docs") for c in site.CATEGORIES])[category]
    products = len(site.PRODUCTS)
    wanted_of = np.array([-1 if p.company is None else world.companies[p.company].product for p in world.people])
    wanted = np.where(who >= 0, wanted_of[who], -1)
    block = size // products
    own_page = first + wanted * block + (dice.random(len(stage)) * block).astype(np.int64)
    return np.where(by_product & (wanted >= 0) & (dice.random(len(stage)) < 0.7), own_page, any_page)


def _visitors(world: World, visits: Sessions, visit: Ints) -> Ints:
    """One code per cookie: kind, person, device and how often that device had lost its cookies by then."""
    lasts = np.array(site.COOKIE_DAYS)[visits.device]
    phase = (visits.who * 31 + visits.device * 17) % lasts
    age = np.maximum(visits.start // DAY, 0) + phase
    lost = np.where(visits.who % 5 == 0, age // np.maximum(lasts // 4, 1), age // lasts)
    code = ((visits.kind * 10_000_000 + visits.who) * 4 + visits.device) * 2048 + lost
    return code[visit]


def _addresses(world: World, dice: np.random.Generator, visits: Sessions) -> Ints:
    """IPv4 addresses of ranges set aside for tests and for carriers: 198.18/15 offices and homes, 100.64/10 phones."""
    company = np.array([-1 if p.company is None else p.company for p in world.people])
    human = visits.kind == HUMAN
    firm = np.where(human, company[np.where(human, visits.who, 0)], -1)
    office = (198 << 24) + (18 << 16) + 256 + firm % 60_000
    home = (198 << 24) + (19 << 16) + 256 + (visits.who * 3 + visits.kind) % 60_000
    phone = (100 << 24) + (64 << 16) + dice.integers(0, 1 << 22, len(firm))
    on_phone = np.isin(visits.device, (site.WECHAT, site.MOBILE))
    return np.where((visits.device == site.OFFICE) & (firm >= 0), office, np.where(on_phone, phone, home))


def _bots(world: World, humans: int) -> Events:
    dice = generator(world.seed, "bots")
    count = max(5, round(humans * BOT_SHARE))
    bot = dice.integers(0, len(site.BOT_AGENTS), count)
    return bot_events(dice, bot, FIRST_BOT_AGENT + bot, dice.integers(0, world.window.days * DAY, count))


def bot_events(dice: np.random.Generator, bot: Ints, agent: Ints, occurred: Ints) -> Events:
    """Page views of robots: a new cookie every day, no referrer, any page."""
    count = len(bot)
    nothing = np.full(count, -1)
    occurred = occurred // 1000 * 1000
    return Events(
        number=np.arange(count),
        kind=np.full(count, BOT),
        who=bot,
        visitor=((BOT * 10_000_000 + bot) * 4) * 2048 + occurred // DAY,
        user=nothing,
        occurred=occurred,
        received=occurred,
        name=np.zeros(count, dtype=np.int64),
        page=dice.integers(0, len(site.PAGES) - 1, count),
        referrer=nothing,
        channel=np.zeros(count, dtype=np.int64),
        agent=agent,
        ip=(203 << 24) + (113 << 8) + bot * 20 + dice.integers(1, 20, count),
        email=nothing,
        phone=nothing,
        openid=nothing,
        status=np.where(dice.random(count) < 0.05, 404, 200),
        flaw=np.zeros(count, dtype=np.int64),
    )
