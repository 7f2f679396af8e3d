"""A strict stand-in for Matomo's reporting API, with faults on request.

    with MatomoStandin(busy_once=True) as matomo:
        monkeypatch.setenv("AIRFLOW_CONN_MATOMO_MAIN", matomo.connection_json())

It holds the visits that `visit` and `act` put there, and answers Live.getLastVisitsDetails as Matomo does: by the time
of the last action, in days of the site's own time zone, errors as HTTP 200.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from tests.standins.server import LoopbackServer

Answer = list[dict[str, Any]] | dict[str, Any]

METHOD = "Live.getLastVisitsDetails"
KNOWN = {
    "module", "method", "format", "token_auth", "idSite", "period", "date", "minTimestamp", "filter_limit",
    "filter_offset", "filter_sort_order", "segment",
}  # fmt: skip


class Refusal(Exception):
    """What Matomo says with HTTP 200."""


class MatomoStandin(LoopbackServer):
    """The server; a context manager that listens on a free port of this machine while it is open.

    Args:
        now: the time in its `Date` header.
        sites: id -> time zone.
        denied: sites that the token may not see.
        rate_limit_once, status_once, busy_once, cut_body_once, wrong_type_once: from the second call on, one call gets
            429 with Retry-After, this HTTP status, an error of an overloaded database, half of its body, or its whole
            answer as text/html.
        repeat_page: the second page of a site's day is the first one again, once.
        grow: a visit of the first page goes on before the second one is read.
        unsorted: it always gives the newest visits first, as old versions do.
        log_disabled, login_page: every call gets the error of a visits log that is off, or a login page.

    Attributes:
        calls: how often each date was asked for, refused calls included.
    """

    date_header = False  # it writes its own

    token = "0123456789abcdef0123456789abcdef"

    def __init__(
        self,
        *,
        now: datetime = datetime(2026, 11, 20, 18, tzinfo=UTC),
        sites: dict[str, str] | None = None,
        denied: tuple[str, ...] = (),
        rate_limit_once: bool = False,
        status_once: int | None = None,
        busy_once: bool = False,
        cut_body_once: bool = False,
        wrong_type_once: bool = False,
        repeat_page: bool = False,
        grow: tuple[str, int] | None = None,
        unsorted: bool = False,
        log_disabled: bool = False,
        login_page: bool = False,
    ) -> None:
        self.now = now
        self.sites = sites or {"1": "Asia/Shanghai", "2": "America/Los_Angeles"}
        self.calls: Counter[str] = Counter()
        self.seen: list[str] = []
        self._visits: dict[tuple[str, int], dict[str, Any]] = {}
        self._actions = 0
        self._denied = denied
        wanted = {
            "rate": rate_limit_once, "status": status_once is not None, "busy": busy_once, "cut": cut_body_once,
            "type": wrong_type_once,
        }  # fmt: skip
        self._faults = [kind for kind, is_on in wanted.items() if is_on]
        self._status = status_once or 500
        self._repeat_page = repeat_page
        self._first_page: dict[tuple[str, str], Answer] = {}
        self._repeated = False
        self._grow = grow
        self._unsorted = unsorted
        self._log_disabled = log_disabled
        self._login_page = login_page

    def connection_json(self, **changed: str) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads here."""
        return json.dumps({"conn_type": "http", "host": self.base_url, "password": self.token, **changed})

    # what it knows

    def visit(self, site: str, number: int, at: datetime, *pages: str, **fields: Any) -> None:
        """A visit that began then, with a page every ten seconds."""
        self._visits[site, number] = {
            "idSite": site, "idVisit": str(number), "visitIp": "198.51.100.7", "visitorId": f"v{number:015x}",
            "fingerprint": "f", "visitorType": "new", "referrerType": "direct", "referrerUrl": "",
            "browserName": "Chrome", "operatingSystemIcon": "plugins/x.png", "dimension1": None,
            "actionDetails": [], **fields,
        }  # fmt: skip
        for place, page in enumerate(pages):
            self.act(site, number, at + timedelta(seconds=10 * place), url=f"https://www.example.com{page}")

    def act(self, site: str, number: int, at: datetime, kind: str = "action", **fields: Any) -> None:
        """A further action of a visit; only rows of log_link_visit_action have a pageId."""
        visit = self._visits[site, number]
        self._actions += 1
        own = {} if kind in ("goal", "ecommerceOrder") else {"pageId": str(self._actions), "idpageview": "p"}
        second = int(at.timestamp())
        visit["actionDetails"].append(
            {
                "type": kind,
                "timestamp": second,
                **own,
                "pageviewPosition": str(len(visit["actionDetails"]) + 1),
                "icon": None,
                "subtitle": "x",
                "serverTimePretty": "Nov 20, 2026 10:00:00",
                **fields,
            }
        )
        visit["lastActionTimestamp"] = max(second, visit.get("lastActionTimestamp", 0))
        visit.setdefault("firstActionTimestamp", second)

    def fill(self, visits: int = 230) -> None:
        """Some days of two sites: pages, events, goals, several visits in one second, visits over midnight."""
        start = datetime(2026, 11, 17, 2, tzinfo=UTC)
        for number in range(1, visits + 1):
            at = start + timedelta(minutes=17 * number)
            self.visit("1", number, at, "/", "/pricing", userId=f"u{number}" if number % 9 == 0 else None)
            if number % 3 == 0:
                self.act(
                    "1", number, at + timedelta(minutes=5), "event", eventCategory="form", eventAction="form_submit"
                )
                self.act("1", number, at + timedelta(minutes=5), "goal", goalId="3", goalName="lead")
        # a burst that no page holds
        for number in range(1000, 1025):
            self.visit("1", number, start + timedelta(days=1), "/launch")
        for number in range(2000, 2040):
            self.visit("2", number, start + timedelta(hours=number - 2000), "/en")

    # how it answers

    async def _handle(self, path: str, request: Request) -> Response:
        raw = (await request.body()).decode()
        self.seen.append(f"{request.method} {request.url}")
        body = dict(parse_qsl(raw, keep_blank_values=True))
        self.calls[body.get("date", "")] += 1
        headers = {"date": format_datetime(self.now, usegmt=True), "content-type": "application/json; charset=utf-8"}
        if self._login_page:
            return HTMLResponse(f"<html><body><h1>Sign in</h1><p>{body.get('token_auth')}</p></body></html>")
        if path != "index.php" or request.method != "POST" or request.url.query:
            return HTMLResponse("<html><body>no</body></html>", status_code=404)
        fault = self._fault()
        if fault == "rate":
            return Response("slow down", status_code=429, headers={"retry-after": "0"})
        if fault == "status":
            return HTMLResponse("<html><body>Bad gateway</body></html>", status_code=self._status)
        try:
            if fault == "busy":
                raise Refusal("SQLSTATE[40001]: Serialization failure: 1213 Deadlock found when trying to get lock")
            answer = self._answer(body)
        except Refusal as refusal:
            answer = {"result": "error", "message": str(refusal)}
        content = json.dumps(answer, ensure_ascii=False).encode()
        if fault == "cut":
            headers["content-length"] = str(len(content))
            content = content[: len(content) // 2]
        if fault == "type":
            headers["content-type"] = "text/html"
        return Response(content, headers=headers)

    def _fault(self) -> str | None:
        return self._faults.pop(0) if self._faults and sum(self.calls.values()) > 1 else None

    def _answer(self, body: dict[str, str]) -> Answer:
        if body.get("token_auth") != self.token:
            raise Refusal(
                "Unable to authenticate with the provided token. It is either invalid, expired or is required to be"
                f" sent as a POST parameter. ({body.get('token_auth')})"
            )
        if set(body) - KNOWN:
            raise Refusal(f"unknown parameters {sorted(set(body) - KNOWN)}")
        if (body["module"], body["method"], body["format"], body["period"]) != ("API", METHOD, "json", "day"):
            raise Refusal(f"The method '{body['method']}' does not exist or is not available.")
        site = body["idSite"]
        if site not in self.sites:
            raise Refusal(f"An unexpected website was found in the request: website id was set to '{site}' .")
        if site in self._denied:
            raise Refusal(f"You can't access this resource as it requires 'view' access for the website id = {site}.")
        if self._log_disabled:
            raise Refusal("Visits log is deactivated in website settings.")
        return self._page(site, body)

    def _page(self, site: str, body: dict[str, str]) -> Answer:
        day, zone = date.fromisoformat(body["date"]), ZoneInfo(self.sites[site])
        begin = datetime.combine(day, datetime.min.time(), zone).timestamp()
        end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).timestamp()
        floor, offset, limit = (int(body[name]) for name in ("minTimestamp", "filter_offset", "filter_limit"))
        newest_first = self._unsorted or body["filter_sort_order"] != "asc"
        found = sorted(
            (
                visit
                for (of, _), visit in self._visits.items()
                if of == site and begin <= visit["lastActionTimestamp"] < end and visit["lastActionTimestamp"] > floor
            ),
            key=lambda visit: (visit["lastActionTimestamp"], int(visit["idVisit"])),
            reverse=newest_first,
        )
        page: Answer = json.loads(json.dumps(found[offset : offset + limit]))
        first = self._first_page.setdefault((site, body["date"]), page)
        if first != page and self._repeat_page and not self._repeated:
            self._repeated = True
            return first
        if self._grow and any(visit["idVisit"] == str(self._grow[1]) for visit in found[offset : offset + limit]):
            (of, number), self._grow = self._grow, None
            # now is later than anything before
            last = max(visit["lastActionTimestamp"] for visit in self._visits.values())
            self.act(
                of,
                number,
                datetime.fromtimestamp(last, UTC) + timedelta(minutes=1),
                url="https://www.example.com/later",
            )
        return page
