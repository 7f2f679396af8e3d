"""The way of a company to its purchase, and how days of the story become moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from persona_warehouse.simulate.dice import Dice

STAGES = ("need", "seek", "weigh", "decide", "use", "renew", "churn")

BUSINESS_ZONE = timezone(timedelta(hours=8))

# mean days from entering a stage to entering the next, for a window of 180 days or more; a shorter one shrinks them
MEAN_DAYS = {"need": 7.0, "seek": 14.0, "weigh": 20.0, "decide": 14.0, "use": 62.0}
FULL_WINDOW = 180

# how many of those in a stage ever leave it for the next
GO_ON = {"need": 0.93, "seek": 0.84, "weigh": 0.82, "decide": 0.66}
LOSE_AT_DECISION = 0.7
RENEW, CHURN = 0.55, 0.2


@dataclass(frozen=True)
class Window:
    """The days of the world, in the business time zone. `first` and `end` are both inside."""

    end: date
    days: int

    @property
    def first(self) -> date:
        return self.end - timedelta(days=self.days - 1)

    @property
    def start_utc(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=BUSINESS_ZONE).astimezone(UTC)

    def office_time(self, day: float) -> datetime:
        """The office hour, local and without zone, for a day of the story counted from the first, as a fraction.

        Keeps the order of days: each week is pressed into its working days, and these into the hours from 9 to 18.
        """
        days = self.working_day(day)
        whole = int(days)
        midnight = datetime(self.first.year, self.first.month, self.first.day) + timedelta(days=whole)
        return midnight + timedelta(seconds=int((9 + (days - whole) * 9) * 3600))

    def working_day(self, day: float) -> float:
        """A day of the story moved out of the weekend: at most two days earlier, never before the first."""
        weekday = self.first.weekday()
        week, place = divmod(day + weekday, 7)
        begins = weekday if week == 0 else 0
        if begins < 5:
            place = begins + (place - begins) * (5 - begins) / (7 - begins)
        return max(week * 7 + place - weekday, 0.0)


@dataclass(frozen=True)
class Journey:
    """What a company went through.

    Attributes:
        days: the day on which each stage was entered, counted from the window's first, as a fraction; only stages
            entered within the window.
        is_lost: it decided against buying.
        ends: the day from which nothing more is heard of it, at most the window's length.
    """

    days: dict[str, float]
    is_lost: bool
    ends: float

    def at(self, stage: str) -> float | None:
        return self.days.get(stage)

    @property
    def furthest(self) -> str:
        return list(self.days)[-1]


def journey(dice: Dice, start: float, window: Window, *, whole_way: bool = False) -> Journey:
    """The story of one company that feels a need on day `start`.

    Args:
        whole_way: goes through to renewal whatever the dice say.
    """
    scale = min(1.0, window.days / FULL_WINDOW)
    planned, is_lost = {"need": start}, False
    day = start
    for stage, following in (("need", "seek"), ("seek", "weigh"), ("weigh", "decide"), ("decide", "use")):
        length = MEAN_DAYS[stage] if whole_way else dice.span(MEAN_DAYS[stage])
        if not (dice.chance(GO_ON[stage]) or whole_way):
            is_lost = stage == "decide" and dice.chance(LOSE_AT_DECISION)
            break
        day += length * scale
        planned[following] = day
    else:
        length = MEAN_DAYS["use"] if whole_way else 20 + dice.span(MEAN_DAYS["use"] - 20)
        outcome = dice.weighted(("renew", "churn", ""), (RENEW, CHURN, 1 - RENEW - CHURN))
        outcome = "renew" if whole_way else outcome
        if outcome:
            planned[outcome] = day + length * scale
    days = {stage: at for stage, at in planned.items() if at < window.days - 0.05}
    last = days[list(days)[-1]]
    lingers = window.days if days.keys() & {"use", "renew"} and "churn" not in days else 25 * scale
    return Journey(days, is_lost and "decide" in days, min(float(window.days), last + lingers))
