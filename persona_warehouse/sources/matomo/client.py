"""Matomo's reporting API over HTTP: retries, errors in answers of HTTP 200, visits paged by their last action.

The token stands in the body of a POST only: in no URL, no log line and no error text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

import httpx

from persona_warehouse import __version__
from persona_warehouse.connections import is_loopback
from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.sources.answers import ApiClient, Transient, UnexpectedShape
from persona_warehouse.sources.matomo import parse

METHOD = "Live.getLastVisitsDetails"
# days are the site's own, whatever its time zone: these many hours lie between a day here and there
EARLIEST, LATEST = timedelta(hours=12), timedelta(hours=14)

# what Matomo says in answers of HTTP 200, by the words of its English messages
NO_ACCESS = r"(view|admin).{0,3} access|can.?t access"
NO_TOKEN = r"token|authenticat"  # noqa: S105 - a pattern
NO_SITE = r"unexpected website|website id|site.*not (found|exist)"
NO_LOG = r"(visits? log|visitor log|live).*(deactivated|disabled|not enabled)"
BUSY = r"execution time|took too long|too many|deadlock|lock wait|gone away|try again"


@dataclass(frozen=True)
class Options:
    """Where the API is, who we are and how patient.

    Attributes:
        source: for messages, such as `website/matomo`.
        base_url: the folder of Matomo's index.php, without a slash at the end.
        token: a token_auth with view access.
        page_size: visits on a page.
        timeout_seconds: of connecting, and of every wait for bytes.
        max_retries: further attempts after the first.
        backoff_seconds: the first pause; it doubles.
    """

    source: str
    base_url: str
    token: str = field(repr=False)
    page_size: int = 100
    timeout_seconds: float = 60.0
    max_retries: int = 5
    backoff_seconds: float = 1.0


class MatomoClient(ApiClient):
    """One HTTP session; a context manager.

    Every method raises ConfigError when a person must act (token, access, site) and SourceFault when the API fails,
    after the retries that the failure allows.
    """

    def __init__(self, options: Options, object: str, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(options, object, sleep)
        self._options = options
        self._http = httpx.Client(
            timeout=options.timeout_seconds,
            trust_env=not is_loopback(httpx.URL(options.base_url).host),
            headers={"User-Agent": f"persona-warehouse/{__version__}", "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def visits(self, site: str, since: datetime, until: datetime) -> Iterator[list[dict[str, Any]]]:
        """The visits of a site whose last action is in [since, until), page by page; some may come twice.

        Offsets would slip while visits arrive. Each page is a query of its own instead, for what was active after the
        last visit met, the oldest first: a visit that goes on meanwhile moves behind and is met again.
        """
        day, last_day = (since - EARLIEST).date(), (until + LATEST).date()
        while day <= last_day:
            yield from self._visits_of_day(site, day, int(since.timestamp()), int(until.timestamp()))
            day += timedelta(days=1)

    def _visits_of_day(self, site: str, day: date, since: int, until: int) -> Iterator[list[dict[str, Any]]]:
        # the bound itself is not among what it gives
        floor, offset, asked_again = since - 1, 0, False
        before: list[str] = []
        while True:
            page = self._page(site, day, floor, offset)
            times = [parse.last_action(visit) for visit in page]
            ids = [str(visit["idVisit"]) for visit in page]
            in_order = all(earlier <= later for earlier, later in pairwise(times))
            is_next = all(at > floor for at in times) and not (ids and offset and ids == before)
            if not (in_order and is_next):
                # a page that is served again, or a server that does not sort
                if asked_again:
                    raise self._out_of_order(site, day)
                asked_again = True
                continue
            asked_again, before = False, ids
            inside = [visit for visit, at in zip(page, times, strict=True) if at < until]
            if inside:
                yield inside
            if len(page) < self._options.page_size or len(inside) < len(page):
                return
            # more visits than a page holds may share a second
            floor, offset = (times[-1] - 1, 0) if times[-1] - 1 > floor else (floor, offset + len(page))

    def _page(self, site: str, day: date, floor: int, offset: int) -> list[dict[str, Any]]:
        answer = self.call(
            METHOD,
            {
                "idSite": site,
                "period": "day",
                "date": day.isoformat(),
                "minTimestamp": str(floor),
                "filter_limit": str(self._options.page_size),
                "filter_offset": str(offset),
                "filter_sort_order": "asc",
            },
        )
        try:
            return parse.visits_of(answer)
        except UnexpectedShape as error:
            shape = error
        raise SourceFault(
            f"{METHOD} answered in an unknown shape",
            **self._places(),
            field=shape.field,
            expected=shape.expected,
            found=shape.found,
            remedy="check that `base_url` is Matomo itself; if it is, report it with this message",
        )

    def call(self, method: str, parameters: Mapping[str, str]) -> Any:
        """One answer of the API, with its retries."""
        body = {
            "module": "API", "method": method, "format": "json", "token_auth": self._options.token, **parameters,
        }  # fmt: skip
        return self._retried(method, lambda: self._attempt(method, body))

    def _attempt(self, method: str, body: Mapping[str, str]) -> Any:
        url = f"{self._options.base_url}/index.php"
        response = self._asked(method, lambda: self._http.post(url, data=body))
        status = response.status_code
        answer = self._json_in(method, response)
        if isinstance(answer, dict) and answer.get("result") == "error":
            raise self._refused(method, body["idSite"], str(answer.get("message") or ""), f"HTTP {status}")
        if status == 429 or status >= 500:
            raise self._resting(method, response, f"HTTP {status}")
        if status != 200 or not isinstance(answer, list | dict):
            raise self._no_api(method, response)
        self._note_time(response)
        return answer

    def _refused(self, method: str, site: str, message: str, status: str) -> Exception:
        """The error that a message stands for."""
        found = f"{status}: {self._scrub(message)[:160]}"

        def means(pattern: str) -> bool:
            return re.search(pattern, message, re.IGNORECASE) is not None

        def person(problem: str, expected: str, remedy: str, name: str) -> PersonaError:
            return ConfigError(problem, **self._places(), field=name, expected=expected, found=found, remedy=remedy)

        if means(BUSY):
            problem, remedy = f"{method} is overloaded", "run the night again later, or lower `page_size:`"
            return Transient(problem, "visits", found, remedy)
        if means(NO_ACCESS):
            remedy = f"give the token's user view access to website {site}, or renew the token"
            return person(f"{method}: no access to website {site}", f"view access to website {site}", remedy, "sites")
        if means(NO_TOKEN):
            remedy = "put a token_auth of Matomo (Administration, Personal, Security) into the connection's password"
            return person(f"{method}: the token is refused", "a token_auth that is in force", remedy, "password")
        if means(NO_SITE):
            remedy = "correct `sites:` in the sources file"
            return person(f"{method}: there is no website {site}", "the id of a website", remedy, "sites")
        if means(NO_LOG):
            remedy = f"turn it on for website {site}, or read Matomo's database with the sql connector"
            return person(f"{method}: the visits log is turned off", "the visits log", remedy, "sites")
        return SourceFault(
            f"{method} refuses the call",
            **self._places(),
            expected="visits",
            found=found,
            remedy="see what Matomo says; nothing of this load was kept",
        )

    def _out_of_order(self, site: str, day: date) -> SourceFault:
        return SourceFault(
            f"{METHOD} gives visits out of order",
            **self._places(),
            field="lastActionTimestamp",
            expected="visits behind minTimestamp, the oldest first (filter_sort_order=asc)",
            found=f"others, twice, for website {site} on {day}",
            remedy="run the night again; if it stays, Matomo is older than 3: update it, or read its database",
        )

    def _hidden(self) -> list[str]:
        return [self._options.token]
