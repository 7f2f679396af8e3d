"""The way of a company to its purchase, and how days of the story become moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cached_property

import numpy as np
import numpy.typing as npt

from persona_warehouse.simulate.dice import Dice

STAGES = ("need", "seek", "weigh", "decide", "use", "renew", "churn")

BUSINESS_ZONE = timezone(timedelta(hours=8))

# so far back reach the CRM's books before the website's and WeChat's window
HISTORY_DAYS = 900

# mean days from entering a stage to entering the next, for a window of 180 days or more; a shorter one shrinks them
MEAN_DAYS = {"need": 7.0, "seek": 14.0, "weigh": 20.0, "decide": 14.0, "use": 62.0}
FULL_WINDOW = 180

# where those end who do not buy: they leave the stage for nothing
LOST_IN = {"need": 0.14, "seek": 0.24, "weigh": 0.26, "decide": 0.36}
LOSE_AT_DECISION = 0.7
# some of those who decide go back to weighing once more
BACK_TO_WEIGH = 0.15
# the first term is a quarter on trial, every later one a year
TERM_DAYS = 365.0


@dataclass(frozen=True)
class Window:
    """The days of the world, in the business time zone. `first` and `end` are both inside."""

    end: date
    days: int

    @cached_property
    def first(self) -> date:
        return self.end - timedelta(days=self.days - 1)

    @cached_property
    def _midnight(self) -> datetime:
        return datetime.combine(self.first, time())

    @cached_property
    def _weekday(self) -> int:
        return self.first.weekday()

    @property
    def start_utc(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=BUSINESS_ZONE).astimezone(UTC)

    def office_time(self, day: float) -> datetime:
        """The office hour, local and without zone, for a day of the story counted from the first, as a fraction.

        Days before the first are negative. Keeps the order of days: each week is pressed into its working days, and
        these into the hours from 9 to 18.
        """
        days = self.working_day(day)
        whole = int(days // 1)
        return self._midnight + timedelta(whole, int((9 + (days - whole) * 9) * 3600))

    def working_day(self, day: float) -> float:
        """A day of the story moved out of the weekend: at most two days earlier, never out of the window."""
        weekday = self._weekday
        week, place = divmod(day + weekday, 7)
        begins = weekday if week == 0 and day >= 0 else 0
        if begins < 5:
            ends = weekday if week == 0 and day < 0 else 7
            place = begins + (place - begins) * (min(ends, 5) - begins) / (ends - begins)
        moved = week * 7 + place - weekday
        return max(moved, 0.0) if day >= 0 else moved

    def office_times(self, days: npt.NDArray[np.float64]) -> npt.NDArray[np.datetime64]:
        """`office_time` of many days at once."""
        weekday = self._weekday
        week, place = np.divmod(days + weekday, 7)
        in_window = days >= 0
        begins = np.where((week == 0) & in_window, weekday, 0)
        ends = np.where((week == 0) & ~in_window, weekday, 7)
        width = np.maximum(ends - begins, 1)
        pressed = begins + (place - begins) * (np.minimum(ends, 5) - begins) / width
        moved = week * 7 + np.where(begins < 5, pressed, place) - weekday
        moved = np.where(in_window, np.maximum(moved, 0.0), moved)
        whole = np.floor(moved)
        seconds = whole.astype(np.int64) * 86_400 + ((9 + (moved - whole) * 9) * 3600).astype(np.int64)
        return np.datetime64(self.first.isoformat(), "us") + seconds.astype("timedelta64[s]")


@dataclass(frozen=True)
class Temper:
    """What of a company's nature its way depends on.

    Attributes:
        buys: the chance that it buys in the end.
        pace: how long it takes to weigh and to decide, 1 on average.
        churns: the chance to leave at the end of a term.
    """

    buys: float
    pace: float
    churns: float


@dataclass(frozen=True)
class Journey:
    """What a company went through, in days of the story.

    Attributes:
        entries: (stage, day) of every entry, in order; an earlier stage after a later one is a way back.
        terms: the days on which a contract was signed: the first and every renewal.
        is_lost: it decided against buying.
        ends: the day from which nothing more is heard of it, at most the window's length.
    """

    entries: tuple[tuple[str, float], ...]
    terms: tuple[float, ...]
    is_lost: bool
    ends: float

    def at(self, stage: str) -> float | None:
        """The day of the first entry into a stage."""
        return next((day for name, day in self.entries if name == stage), None)

    def last(self, stage: str) -> float | None:
        """The day of the last entry into a stage."""
        return next((day for name, day in reversed(self.entries) if name == stage), None)

    @property
    def furthest(self) -> str:
        return max((stage for stage, _ in self.entries), key=STAGES.index)


def journey(dice: Dice, start: float, window: Window, temper: Temper, *, whole_way: bool = False) -> Journey:
    """The story of one company that feels a need on day `start`.

    Args:
        whole_way: goes through to renewal whatever the dice say.
    """
    scale = min(1.0, window.days / FULL_WINDOW)
    buys = dice.chance(temper.buys) or whole_way
    stops = "" if buys else dice.weighted(tuple(LOST_IN), tuple(LOST_IN.values()))
    rethinks, gives_up = dice.chance(BACK_TO_WEIGH) and not whole_way, dice.chance(LOSE_AT_DECISION)
    entries, day = [("need", start)], start
    for stage, following in (("need", "seek"), ("seek", "weigh"), ("weigh", "decide"), ("decide", "use")):
        length = MEAN_DAYS[stage] if whole_way else dice.span(MEAN_DAYS[stage])
        if stage in ("weigh", "decide"):
            length *= temper.pace
        if stage == stops:
            break
        day += length * scale
        if stage == "decide" and rethinks:
            # the decision is put off: terms and prices are weighed again before it
            entries += [("weigh", day), ("decide", day + 0.8 * length * scale)]
            day += 1.2 * length * scale
        entries.append((following, day))
    terms, outcomes = _terms(dice, day, window, temper, scale, whole_way=whole_way) if buys else ((), [])
    entries += outcomes
    entries = [(stage, at) for stage, at in entries if at < window.days - 0.05]
    last_stage, last = entries[-1]
    lingers = window.days if last_stage in ("use", "renew") else 25 * scale
    is_lost = stops == "decide" and gives_up and last_stage == "decide"
    signed = tuple(at for at in terms if at < window.days - 0.05)
    return Journey(tuple(entries), signed, is_lost, min(float(window.days), last + lingers))


def _terms(
    dice: Dice, signed: float, window: Window, temper: Temper, scale: float, *, whole_way: bool
) -> tuple[tuple[float, ...], list[tuple[str, float]]]:
    """The days of all contracts, and the entries into renewal and churn that come of their ends."""
    found, outcomes = [signed], []
    length = MEAN_DAYS["use"] if whole_way else 20 + dice.span(MEAN_DAYS["use"] - 20)
    day = signed + length * scale
    while day < window.days:
        if dice.chance(temper.churns) and not whole_way:
            outcomes.append(("churn", day))
            break
        if len(found) == 1:
            outcomes.append(("renew", day))
        found.append(day)
        day += TERM_DAYS + dice.between(-12, 12)
    return tuple(found), outcomes
