"""When a company busies itself with a topic: the purchase itself, later ones, and bursts of learning that come back."""

from __future__ import annotations

from dataclasses import dataclass

from persona_warehouse.simulate import words
from persona_warehouse.simulate.dice import Dice
from persona_warehouse.simulate.world import Company, World

# companies in which somebody reads about one topic again and again, and how often and how long
PERIODIC_SHARE = 0.22
PERIOD_DAYS, BURST_DAYS = (38.0, 60.0), 6.0
# a customer looks at another product for some weeks
LATER_SHARE_PER_YEAR, LATER_DAYS = 0.9, 16.0
# between two episodes of one topic lies more silence than this
SILENCE_DAYS = 25.0


@dataclass(frozen=True)
class Episode:
    """A company and a topic (index of a product), in days of the story.

    `pattern` is staged (one project) or periodic (it comes again); `driver` what most of its visits are for.
    """

    company: int
    topic: int
    pattern: str
    driver: str
    since: float
    until: float


def episodes(world: World) -> list[Episode]:
    """All episodes that touch the window, by company and time."""
    dice = Dice(world.seed, "episodes")
    found: list[Episode] = []
    for company in world.companies:
        main = _main(company)
        own = [main] if main is not None else []
        own += _later(dice, company, float(world.window.days))
        own += _periodic(dice, company, float(world.window.days))
        found += sorted((one for one in own if one.until > 0), key=lambda one: (one.since, one.topic))
    return found


def _main(company: Company) -> Episode | None:
    story = company.journey
    if story.at("seek") is None and company.relation == "prospect":
        return Episode(company.number, company.product, "staged", "work", story.entries[0][1], story.ends)
    until = story.at("use") or story.ends
    return Episode(company.number, company.product, "staged", "work", story.entries[0][1], until)


def _later(dice: Dice, company: Company, days: float) -> list[Episode]:
    use, churn = company.journey.at("use"), company.journey.at("churn") or days
    if use is None:
        return []
    found: list[Episode] = []
    first = max(use + SILENCE_DAYS, 0.0)
    for place in range(dice.count(LATER_SHARE_PER_YEAR * max(churn - first, 0.0) / 365)):
        since = first + dice.uniform() * (churn - first)
        topic = (company.product + 1 + place) % len(words.PRODUCTS)
        found.append(Episode(company.number, topic, "staged", "work", since, min(since + LATER_DAYS, churn)))
    return found


def _periodic(dice: Dice, company: Company, days: float) -> list[Episode]:
    chosen, at, topic = dice.chance(PERIODIC_SHARE), dice.uniform(), dice.whole(1, 2)
    if not chosen:
        return []
    # a topic that no other episode of the company has
    topic = (company.product + len(words.PRODUCTS) - topic) % len(words.PRODUCTS)
    found: list[Episode] = []
    day = at * PERIOD_DAYS[1]
    while day < days:
        found.append(Episode(company.number, topic, "periodic", "learning", day, min(day + BURST_DAYS, days)))
        day += dice.between(*PERIOD_DAYS)
    return found
