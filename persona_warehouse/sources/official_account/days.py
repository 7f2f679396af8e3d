"""Which days of statistics a load reads, and what the next load has to know of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from persona_warehouse.landing.extract import Window
from persona_warehouse.sources.official_account.clock import BEIJING

log = logging.getLogger(__name__)

ONE_DAY = timedelta(days=1)


@dataclass
class Progress:
    """The days of one object that a load reads, and how far that brings us.

    Attributes:
        days: to be read.
        through: the last day that this load or an earlier one has read; None: no day yet.
        delayed: days whose numbers WeChat called preliminary; they are read again until they are final.
    """

    days: list[date]
    through: date | None
    delayed: set[date] = field(default_factory=set)

    def note(self, begin: date, end: date, is_delay: bool | None) -> None:
        """An answer about begin..end has come, preliminary or final."""
        days = {begin + number * ONE_DAY for number in range((end - begin).days + 1)}
        self.delayed = self.delayed | days if is_delay else self.delayed - days

    def cursor(self) -> dict[str, Any]:
        """What is kept with the load's manifest."""
        return {
            "through": self.through.isoformat() if self.through else None,
            "delayed": [day.isoformat() for day in sorted(self.delayed)],
        }


def asked_days(window: Window) -> tuple[date, date]:
    """First and last Beijing day of a load's window, both included."""
    first = window.start.astimezone(BEIJING).date()
    return first, max(first, window.end.astimezone(BEIJING).date() - ONE_DAY)


def last_ready_day(now: datetime, ready_hour: int) -> date:
    """The last day whose statistics exist: yesterday, and before `ready_hour` in Beijing the day before."""
    return now.astimezone(BEIJING).date() - (1 if now.astimezone(BEIJING).hour >= ready_hour else 2) * ONE_DAY


def is_past(window: Window, kept: Mapping[str, Any]) -> bool:
    """Whether a window ends before what was read already: a backfill."""
    former = _day(kept.get("through"))
    return former is not None and asked_days(window)[1] < former


def progress_of(window: Window, kept: Mapping[str, Any], *, first_day: date, again: int, ready: date) -> Progress:
    """The days to read.

    A night reads the last `again` days once more, whatever was missed since the last load, and the days whose numbers
    were preliminary. A window that lies before what was read already is a backfill: its own days and no others, and the
    cursor stays where it is.

    Args:
        kept: the cursor of the newest load, empty when there is none.
        first_day: the API has nothing before it.
        ready: the API has nothing after it.
    """
    former = _day(kept.get("through"))
    delayed = {date.fromisoformat(day) for day in kept.get("delayed") or ()}
    first, last = asked_days(window)
    last = min(last, ready)
    if former is not None and is_past(window, kept):
        return Progress(_between(max(first, first_day), last), former, delayed)
    begin = min(last, former or last) - (again - 1) * ONE_DAY
    days = {*_between(max(begin, first_day), last), *(day for day in delayed if first_day <= day <= last)}
    return Progress(sorted(days), max(former or last, last) if days else former, delayed)


def _between(first: date, last: date) -> list[date]:
    return [first + number * ONE_DAY for number in range((last - first).days + 1)]


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if value else None
