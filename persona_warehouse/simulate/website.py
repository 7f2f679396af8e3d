"""What the website saw of the visits, and of robots: one row per event, as arrays from end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from persona_warehouse.simulate import site, words
from persona_warehouse.simulate.dice import generator
from persona_warehouse.simulate.personas import choose
from persona_warehouse.simulate.visits import BOT, DAY, HUMAN, SECOND, STAFF, Bools, Ints, Visits
from persona_warehouse.simulate.world import World

BOT_SHARE = 0.11
# of the pages of a visit, those that serve what it is for
ON_PURPOSE = 0.82
PAGE_VIEW, FORM_SUBMIT, LOGIN = range(3)
EVENT_NAMES = ("page_view", "form_submit", "login")
# a visit ends with half an hour of silence; the longest pause within one is shorter
GAP = 1800 * SECOND
LONGEST_PAUSE = 1400.0
# in so many companies colleagues share one office computer, and so one cookie
SHARED_SHARE = 0.02


@dataclass(frozen=True)
class Events:
    """One entry per row of the files; codes point into the lists of `Site`. -1 stands for nothing.

    `number` names the event: rows with the same number are the same event. `visit` is the place of the visit it
    belongs to, -1 for robots. Times are microseconds since the window's first midnight in the business zone; they
    become UTC on writing.
    """

    number: Ints
    visit: Ints
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

    def narrow(self) -> Events:
        """The same with codes of half the width: a million events are moved about more than a dozen times."""
        wide = ("number", "visitor", "occurred", "received", "ip")
        return Events(
            *(
                getattr(self, column.name).astype(np.int64 if column.name in wide else np.int32)
                for column in fields(self)
            )
        )

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


def events(world: World, found: Visits) -> Events:
    """All events of the world by time, without duplicates or faults."""
    humans = _events_of(world, found)
    rows = Events.join([humans, _bots(world, len(humans)).narrow()])
    rows = shared_computers(world, found, rows, SHARED_SHARE, "shared computers")
    order = np.lexsort((rows.who, rows.visitor, rows.occurred))
    rows = rows.take(order[rows.occurred[order] < world.window.days * DAY])
    return rows.replace(number=np.arange(len(rows)))


def shared_computers(world: World, visits: Visits, found: Events, share: float, part: str) -> Events:
    """In a share of the companies with several visitors all colleagues use one office computer."""
    dice = generator(world.seed, part)
    person = found.kind == HUMAN
    firm = np.where(person, visits.firm[np.where(person, found.visit, 0)], -1)
    at_office = (firm >= 0) & (found.agent // 2 == site.OFFICE)
    pairs = np.unique(np.stack([firm[at_office], found.who[at_office]]), axis=1)[0]
    firms, sizes = np.unique(pairs, return_counts=True)
    several = firms[sizes > 1]
    chosen = dice.choice(several, max(1, round(len(several) * share)), replace=False) if len(several) else several
    shared = at_office & np.isin(firm, chosen)
    # a number of its own for the computer, so that it is nobody's
    code = (firm + 90_000_000) * 4 * 2048
    return found.replace(
        visitor=np.where(shared, code, found.visitor),
        agent=np.where(shared, site.OFFICE * 2, found.agent),
    )


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
    rows = np.concatenate([np.arange(len(found)), twice])
    return found.replace(flaw=flaw).take(rows[np.lexsort((rows, received[rows]))])


def in_order(found: Events) -> Events:
    """As a collector writes them: by the moment of receipt."""
    return found.take(np.lexsort((found.number, found.received)))


def _apart(visits: Visits, visitor: Ints, start: Ints, end: Ints) -> Bools:
    """Visits that keep more than half an hour from the others of their cookie. One that made a lead always stays."""
    order = np.lexsort((start, visitor))
    same = visitor[order][1:] == visitor[order][:-1]
    close = same & (start[order][1:] - end[order][:-1] <= GAP + 60 * SECOND)
    kept = np.ones(len(order), dtype=bool)
    fixed = visits.ends_at[order] >= 0
    kept[1:] &= ~close | fixed[1:]
    kept[:-1] &= ~(close & fixed[1:]) | fixed[:-1]
    # a long visit may reach over the next one into the one after it: the furthest end so far decides. In seconds, so
    # that the cookies can be laid one behind the other on one line however many there are
    shift = np.cumsum(np.concatenate([[True], ~same])) << 32
    reach = np.maximum.accumulate(end[order] // SECOND + 1 + shift) - shift
    over = np.zeros(len(order), dtype=bool)
    over[1:] = same & (start[order][1:] // SECOND - reach[:-1] <= GAP // SECOND + 60)
    kept &= ~over | fixed
    found = np.ones(len(order), dtype=bool)
    found[order] = kept
    return found


def _events_of(world: World, visits: Visits) -> Events:
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

    spent = np.minimum(dice.lognormal(3.6, 1.0, total), LONGEST_PAUSE)
    spent[place == 0] = 0.0
    elapsed = np.cumsum(spent)
    elapsed -= elapsed[firsts][visit]
    # a form that made a lead stands at its moment, and the pages before it move along
    length = elapsed[firsts + sizes - 1]
    begins = np.where(visits.ends_at >= 0, visits.ends_at - length * SECOND, visits.start)
    occurred = (begins[visit] + elapsed * SECOND).astype(np.int64) // 1000 * 1000
    form_time = is_last & (visits.ends_at[visit] >= 0)
    occurred = np.maximum(np.where(form_time, visits.ends_at[visit], occurred), 0)
    visitor = _visitors(visits)
    apart = _apart(visits, visitor, occurred[firsts], occurred[firsts + sizes - 1])

    kind, who, device = visits.kind[visit], visits.who[visit], visits.device[visit]
    human = kind == HUMAN
    page = _pages(dice, visits.purpose[visit], visits.topic[visit])
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
    # the addresses of the vendor's own people stand behind those of all others
    sender = np.where(kind == STAFF, len(world.people) + who % len(words.STAFF_EMAILS), who)
    found = Events(
        number=np.arange(total),
        visit=visit,
        kind=kind,
        who=who,
        visitor=visitor[visit],
        user=np.where(visits.login[visit] & human & (place >= 1), who, -1),
        occurred=occurred,
        received=occurred,
        name=name,
        page=page,
        referrer=referrer,
        channel=np.where(place == 0, channel, 0),
        agent=device * 2 + (who * 7 + device) % 2,
        ip=_addresses(world, dice, visits)[visit],
        email=np.where(is_form & (human | (kind == STAFF)), sender, -1),
        phone=np.where(is_form & human & gives_phone[visit], who, -1),
        openid=np.where(visits.with_openid[visit] & human, who, -1),
        status=np.where(dice.random(total) < 0.004, 404, 200),
        flaw=np.zeros(total, dtype=np.int64),
    )
    return found.narrow().take(apart[visit])


def _pages(dice: np.random.Generator, purpose: Ints, topic: Ints) -> Ints:
    """A page for every view: the category by what the visit is for, the page in it by its topic."""
    weights = np.array([[p.interests.get(c, 0.0) for c in site.CATEGORIES] for p in site.PURPOSES])
    # now and then somebody looks at something else on the way
    looked_for = np.where(
        dice.random(len(purpose)) < ON_PURPOSE, purpose, dice.integers(0, len(site.PURPOSES), len(purpose))
    )
    category = choose(dice.random(len(purpose)), weights / weights.sum(axis=1, keepdims=True), looked_for)
    first = np.array([FIRST_PAGE_OF[c] for c in site.CATEGORIES])[category]
    size = np.array([sum(p.category == c for p in site.PAGES) for c in site.CATEGORIES])[category]
    mark = dice.random(len(purpose))
    any_page = first + (mark * size).astype(np.int64)
    # pages about products stand product by product, as many for each
    by_product = np.array([c in site.BY_PRODUCT for c in site.CATEGORIES])[category]
    block = np.where(by_product, size // len(site.PRODUCTS), size)
    own_page = first + topic * block + (mark * block).astype(np.int64)
    on_topic = by_product & (topic >= 0) & (dice.random(len(purpose)) < 0.92)
    return np.where(on_topic, own_page, any_page)


def _visitors(visits: Visits) -> Ints:
    """One code per cookie: kind, person, device and how often that device had lost its cookies by then."""
    lasts = np.array(site.COOKIE_DAYS)[visits.device]
    phase = (visits.who * 31 + visits.device * 17) % lasts
    age = np.maximum(visits.start // DAY, 0) + phase
    lost = np.where(visits.who % 5 == 0, age // np.maximum(lasts // 4, 1), age // lasts)
    return ((visits.kind * 10_000_000 + visits.who) * 4 + visits.device) * 2048 + lost


def _addresses(world: World, dice: np.random.Generator, visits: Visits) -> Ints:
    """IPv4 addresses of ranges set aside for tests and for carriers: 198.18/15 offices and homes, 100.64/10 phones,
    192.0.2/24 the vendor's own office."""
    office = (198 << 24) + (18 << 16) + 256 + visits.firm % 60_000
    home = (198 << 24) + (19 << 16) + 256 + (visits.who * 3 + visits.kind) % 60_000
    phone = (100 << 24) + (64 << 16) + dice.integers(0, 1 << 22, len(visits))
    own = (192 << 24) + (2 << 8) + 10 + visits.who % 200
    on_phone = np.isin(visits.device, (site.WECHAT, site.MOBILE))
    outside = np.where((visits.device == site.OFFICE) & (visits.firm >= 0), office, np.where(on_phone, phone, home))
    return np.where(visits.kind == STAFF, own, outside)


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
        visit=nothing,
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
