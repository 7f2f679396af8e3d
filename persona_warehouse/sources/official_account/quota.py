"""How often each endpoint was asked today, kept on the disk: reruns and other processes share one count."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from persona_warehouse.files import locked, read_json, write_json
from persona_warehouse.sources.official_account.clock import BEIJING, beijing_now

log = logging.getLogger(__name__)

# a day, per account, by the endpoint's name without /cgi-bin/. The API documents those of tokens, lists and users; the
# others are what collectors in production keep to. A console or `quotas:` of the sources file may say otherwise
DEFAULTS = {
    "token": 2_000,
    "stable_token": 500_000,
    "user/get": 500,
    "user/info": 500_000,
    "user/info/batchget": 500_000,
    "tags/get": 1_000,
    "datacube/getusersummary": 1_000,
    "datacube/getusercumulate": 1_000,
    "datacube/getbizsummary": 1_000,
    "datacube/getarticleread": 1_000,
    "datacube/getarticleshare": 1_000,
    "datacube/getarticletotaldetail": 1_000,
}
# so much of a quota is taken from the file at a time: a process that is killed wastes no more
SHARE = 1_000


class UsedUp(Exception):
    """An endpoint may not be asked again before `free_at`; `limit` is None when the API itself said so."""

    def __init__(self, endpoint: str, limit: int | None, free_at: datetime) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint
        self.limit = limit
        self.free_at = free_at


def quota_file(home: Path, appid: str) -> Path:
    """Where the calls of an account are counted; the name does not give the account away."""
    return home / "quotas" / f"official_account-{hashlib.sha256(appid.encode()).hexdigest()[:16]}.json"


def quota_name(endpoint: str) -> str:
    """The name of an endpoint in `quotas:` of the sources file: its path without /cgi-bin/."""
    return endpoint.removeprefix("/cgi-bin").removeprefix("/")


class Quotas:
    """Counts the calls of one account, per endpoint and day.

    Args:
        path: the file of the count; `quota_file`.
        limits: quota name -> calls a day; what is not named has no limit.
        reset_hour: the hour in Beijing at which the vendor's count begins anew.
        now: the time in Beijing.
    """

    def __init__(
        self,
        path: Path,
        limits: Mapping[str, int],
        reset_hour: int = 0,
        now: Callable[[], datetime] = beijing_now,
    ) -> None:
        self._path = path
        self._limits = limits
        self._reset_hour = reset_hour
        self._now = now
        self._taken: Counter[str] = Counter()
        self._taken_on: date | None = None
        self._lock = threading.Lock()

    def spend(self, endpoint: str) -> None:
        """Counts one call.

        Raises:
            UsedUp: there is none left today.
        """
        name = quota_name(endpoint)
        limit = self._limits.get(name)
        if limit is None:
            return
        with self._lock:
            day = self._day()
            if self._taken_on != day:
                # what was taken yesterday was of yesterday's quota
                self._taken.clear()
                self._taken_on = day
            if not self._taken[name]:
                with locked(self._path):
                    count = self._read(day)
                    if name in count["refused"]:
                        raise UsedUp(endpoint, None, self.free_at())
                    left = limit - count["calls"].get(name, 0)
                    if left <= 0:
                        raise UsedUp(endpoint, limit, self.free_at())
                    self._taken[name] = min(left, max(1, limit // SHARE))
                    count["calls"][name] = count["calls"].get(name, 0) + self._taken[name]
                    write_json(self._path, count)
            self._taken[name] -= 1

    def refuse(self, endpoint: str) -> None:
        """Nothing is left of an endpoint until the day ends: the API said so."""
        name = quota_name(endpoint)
        with self._lock, locked(self._path):
            count = self._read(self._day())
            count["refused"] = sorted({*count["refused"], name})
            self._taken.pop(name, None)
            write_json(self._path, count)

    def give_back(self) -> None:
        """Returns what was taken from the file and not spent."""
        with self._lock:
            rest = +self._taken
            self._taken.clear()
            if not rest or self._taken_on != self._day():
                return
            with locked(self._path):
                count = self._read(self._day())
                for name, calls in rest.items():
                    count["calls"][name] = max(0, count["calls"].get(name, 0) - calls)
                write_json(self._path, count)

    def free_at(self) -> datetime:
        """When the vendor's count begins anew."""
        return datetime.combine(self._day() + timedelta(days=1), time(self._reset_hour), BEIJING)

    def _day(self) -> date:
        return (self._now().astimezone(BEIJING) - timedelta(hours=self._reset_hour)).date()

    def _read(self, day: date) -> dict[str, Any]:
        fresh: dict[str, Any] = {"day": day.isoformat(), "calls": {}, "refused": []}
        if not self._path.exists():
            return fresh
        try:
            count = read_json(self._path)
            known = count["day"] == fresh["day"]
            # the keys are looked at before anything relies on them
            return (
                {"day": count["day"], "calls": dict(count["calls"]), "refused": list(count["refused"])}
                if known
                else fresh
            )
        except (ValueError, TypeError, KeyError):
            log.warning("%s cannot be read; the calls of today are counted from 0", self._path)
            return fresh
