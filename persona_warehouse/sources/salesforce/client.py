"""The Salesforce REST API over HTTP: login, retries, limits, describing objects, paging of SOQL queries.

Secrets stand in a body or a header only: in no URL, no log line and no error text.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

import httpx

from persona_warehouse import __version__
from persona_warehouse.connections import is_loopback
from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.sources.answers import ApiClient, Seen, UnexpectedShape, is_url
from persona_warehouse.sources.records import moment
from persona_warehouse.sources.salesforce import parse
from persona_warehouse.sources.tokens import Token, TokenStore

log = logging.getLogger(__name__)

TOKEN = "/services/oauth2/token"  # noqa: S105 an endpoint
DATA = "/services/data/v{version}"

# URI and headers together: Salesforce answers 414 or 431 beyond it
LONGEST_REQUEST = 16_384
# records whose remaining fields are read at once, when all fields do not go into one request
DETAIL_IDS = 200
# a query whose locator is lost is begun again behind the last record met; this often without meeting another one
MOST_RESTARTS = 5
TIMES = ("SystemModstamp", "LastModifiedDate", "CreatedDate")


@dataclass(frozen=True)
class Options:
    """Where the API is, who we are and how patient.

    Attributes:
        source: for messages, such as `crm/salesforce`.
        base_url: of the org (My Domain), without a slash at the end.
        client_id: the consumer key of the external client app; None: `secret` is a token that is in force.
        secret: the consumer secret, or a token.
        version: of the API, such as `65.0`.
        page_size: records on a page that are asked for, 200 to 2,000; the API may give fewer.
        timeout_seconds: of connecting, and of every wait for bytes.
        max_retries: further attempts after the first.
        backoff_seconds: the first pause; it doubles. Too many requests at a time rest 10 times this.
    """

    source: str
    base_url: str
    client_id: str | None
    secret: str = field(repr=False)
    version: str = "65.0"
    page_size: int = 2000
    timeout_seconds: float = 30.0
    max_retries: int = 5
    backoff_seconds: float = 1.0


@dataclass(frozen=True)
class Session:
    """What all clients of one org share: its token, whose tenant is the org's address, and its objects' fields."""

    tokens: TokenStore = field(default_factory=TokenStore)
    objects: dict[str, parse.Description] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """What is read of an object. `order` decides where a query that broke off goes on; it ends with a unique field."""

    sobject: str
    fields: tuple[str, ...]
    conditions: tuple[str, ...] = ()
    order: tuple[str, ...] = ("Id",)

    def soql(self, behind: Sequence[str] = ()) -> str:
        """The query as text; `behind` are SOQL literals of the `order` fields of the last record met."""
        # (a > 1) or (a = 1 and b > 2) or …: SOQL does not compare tuples
        steps = [
            " AND ".join([*(f"{name} = {value}" for name, value in zip(self.order[:n], behind, strict=False)),
                          f"{self.order[n]} > {behind[n]}"])
            for n in range(len(behind))
        ]  # fmt: skip
        conditions = [*self.conditions, *(["(" + " OR ".join(f"({step})" for step in steps) + ")"] if steps else [])]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {','.join(self.fields)} FROM {self.sobject}{where} ORDER BY {','.join(self.order)}"

    def behind(self, records: Sequence[Any], started: datetime) -> tuple[str, ...]:
        """Literals of the last record's place in the order, empty when there is none that can be relied on.

        A record that changed after reading began shows its new time at its old place: what stands between the two was
        not read yet.
        """
        for record in reversed(records):
            values = [parse.field_of(record, name) for name in self.order]
            first = moment(values[0]) if self.order[0] in TIMES else None
            if None not in values and not (first and first >= started):
                return tuple(literal(value or "", name) for name, value in zip(self.order, values, strict=True))
        return ()


class Unreadable(Exception):
    """An object that does not exist for this user."""


class _SessionOver(Exception):
    pass


class _LocatorLost(Exception):
    pass


class SalesforceClient(ApiClient):
    """One HTTP session for one landing object; a context manager.

    Every method raises ConfigError when a person must act (login, permission, limits of a licence) and SourceFault when
    the API fails, after the retries that the failure allows.
    """

    vendor = "Salesforce"

    def __init__(
        self, options: Options, object: str, session: Session, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(options, object, sleep)
        self._options = options
        self._session = session
        self._data = DATA.format(version=options.version)
        self._secrets = {options.secret}
        self._http = httpx.Client(
            timeout=options.timeout_seconds,
            trust_env=not is_loopback(httpx.URL(options.base_url).host),
            headers={"User-Agent": f"persona-warehouse/{__version__}", "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def described(self, sobject: str) -> parse.Description:
        """An object's fields, as far as this user may read them.

        Raises:
            Unreadable: there is no such object for this user.
        """
        if sobject not in self._session.objects:
            endpoint = f"{self._data}/sobjects/{sobject}/describe"
            answer = self._call(endpoint, endpoint)
            if answer.get("queryable") is False:
                raise Unreadable(sobject)
            self._session.objects[sobject] = self._parsed(endpoint, parse.description, answer)
        return self._session.objects[sobject]

    def records(self, query: Query) -> Iterator[list[Any]]:
        """The records of a query, deleted ones among them, page by page, each once.

        Fields that do not go into one request are read by the ids of each page.

        Raises:
            Unreadable: there is no such object for this user.
        """
        first, *others = self._split(query)
        for records in self._paged(first):
            yield self._completed(query.sobject, records, others) if others else records

    def _paged(self, query: Query) -> Iterator[list[Any]]:
        endpoint = f"{self._data}/queryAll of {query.sobject}"
        seen, restarts = Seen(), 0
        behind: tuple[str, ...] = ()
        following: str | None = None
        met: set[str] = set()
        asked_again = False
        while True:
            try:
                if following is None:
                    answer = self._call(endpoint, f"{self._data}/queryAll", query.soql(behind))
                else:
                    answer = self._call(endpoint, following, is_continued=True)
            except _LocatorLost:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise self._broken_off(endpoint) from None
                log.info("%s: the query broke off and is begun again behind the last record met", endpoint)
                following, met, asked_again = None, set(), False
                continue
            page = self._parsed(endpoint, parse.page_of, answer)
            fresh = seen.fresh_records(page.records, parse.id_of)
            if fresh:
                restarts = 0
                behind = query.behind(page.records, self.started or datetime.now(UTC)) or behind
                yield fresh
            if page.following is None:
                return
            if page.following in met:
                # a page that is served again: the one that was asked for is still to come
                if asked_again:
                    raise self._in_a_circle(endpoint, "nextRecordsUrl", "a page that was not served yet")
                asked_again = True
                continue
            met.add(page.following)
            following, asked_again = page.following, False

    def _split(self, query: Query) -> list[Query]:
        """The query with as many fields as go into a request, then what is asked by id."""
        keys = tuple(dict.fromkeys(("Id", *query.order)))
        left = [name for name in query.fields if name not in keys]
        by_id = Query(query.sobject, ("Id",), (of_ids(["x" * 18] * DETAIL_IDS),))
        longest = ["2000-01-01T00:00:00.000Z" if name in TIMES else f"'{'x' * 18}'" for name in query.order]
        parts: list[Query] = []
        while left or not parts:
            bare = by_id if parts else replace(query, fields=keys)
            room = LONGEST_REQUEST - self._size(bare.soql(() if parts else longest))
            taken = 0
            # a comma takes three bytes in a URL
            while taken < len(left) and (room := room - len(left[taken]) - 3) >= 0:
                taken += 1
            if left and not taken:
                raise SourceFault(
                    f"a query of {query.sobject} is too long for Salesforce",
                    **self._places(),
                    field=left[0],
                    expected=f"a URI and headers of at most {LONGEST_REQUEST:,} bytes",
                    found=f"no room for this field, with a token of {len(self._token().value):,} bytes",
                    remedy="ask for a shorter token: take claims and scopes off the external client app",
                )
            parts.append(replace(bare, fields=(*bare.fields, *left[:taken])))
            left = left[taken:]
        return parts

    def _completed(self, sobject: str, records: list[Any], parts: Sequence[Query]) -> list[Any]:
        """The records with their other fields; one that is gone for good by then is left out."""
        by_id = {one: dict(record) for record in records if (one := parse.id_of(record))}
        found = [record for record in records if parse.id_of(record) is None]
        ids = list(by_id)
        for start in range(0, len(ids), DETAIL_IDS):
            some = ids[start : start + DETAIL_IDS]
            complete = dict.fromkeys(some, 0)
            for part in parts:
                for page in self._paged(replace(part, conditions=(of_ids(some),))):
                    for record in page:
                        if (one := parse.id_of(record)) in complete:
                            by_id[one].update(record)
                            complete[one] += 1
            found += [by_id[one] for one in some if complete[one] == len(parts)]
        return found

    def _size(self, soql: str) -> int:
        """Bytes of a request's URI and headers."""
        request = self._request(f"{self._data}/queryAll", soql, self._token())
        return len(str(request.url)) + sum(len(key) + len(value) + 4 for key, value in request.headers.raw)

    def _request(self, path: str, soql: str | None, token: Token) -> httpx.Request:
        headers = {"Authorization": f"Bearer {token.value}"}
        if "/query" in path:
            headers["Sforce-Query-Options"] = f"batchSize={self._options.page_size}"
        return self._http.build_request(
            "GET", token.tenant + path, params={"q": soql} if soql else None, headers=headers
        )

    def _call(self, endpoint: str, path: str, soql: str | None = None, *, is_continued: bool = False) -> dict[str, Any]:
        """One answer of the API; when the session is over, it logs in again and goes on, once.

        Raises:
            _LocatorLost: the page of a query that was begun before cannot be had; a locator ends with its session.
        """
        token = self._token()

        def attempt() -> dict[str, Any]:
            request = self._request(path, soql, token)
            return self._read(endpoint, self._asked(endpoint, lambda: self._http.send(request)))

        try:
            return self._retried(endpoint, attempt)
        except _SessionOver:
            log.info("%s: the session is over, logging in again", endpoint)
        self._session.tokens.reject(token)
        if is_continued:
            raise _LocatorLost
        token = self._token()
        try:
            return self._retried(endpoint, attempt)
        except _SessionOver:
            pass
        raise ConfigError(
            f"{endpoint} refuses a session that has just begun",
            **self._places(),
            expected="a new session to be accepted",
            found="INVALID_SESSION_ID, twice",
            remedy="let the external client app's user use the API: permission API Enabled, no IP restriction",
        )

    def _token(self) -> Token:
        return self._session.tokens.get(self._log_in)

    def _log_in(self, force: bool) -> Token:
        """A session of its own, or the token that was made elsewhere; that one can only be had once."""
        if self._options.client_id is None:
            if force:
                raise self._token_over()
            return Token(self._options.secret, math.inf, self._options.base_url)
        answer = self._retried(TOKEN, self._ask_token)
        token, url = str(answer.get("access_token") or ""), str(answer.get("instance_url") or "")
        self._secrets.add(token)
        # the token goes there: never in the clear, unless to this machine
        is_safe = is_url(url) and (url.startswith("https://") or is_loopback(httpx.URL(url).host))
        if not token or not is_safe:
            wrong = "instance_url" if token else "access_token"
            shape = UnexpectedShape(wrong, "a token, and the https address of the org", "none")
            raise self._shape(TOKEN, shape, answer)
        return Token(token, math.inf, url.rstrip("/"))

    def _ask_token(self) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._options.client_id or "",
            "client_secret": self._options.secret,
        }
        response = self._asked(TOKEN, lambda: self._http.post(self._options.base_url + TOKEN, data=form))
        answer = self._json_in(TOKEN, response)
        if response.status_code == 429 or response.status_code >= 500:
            raise self._resting(TOKEN, response, f"HTTP {response.status_code}")
        if not isinstance(answer, dict):
            raise self._no_api(TOKEN, response)
        if response.status_code != 200:
            said = self._scrub(f"{answer.get('error') or ''}: {answer.get('error_description') or ''}")[:160]
            raise ConfigError(
                "Salesforce refuses the login",
                **self._places(),
                expected="the client credentials flow of an external client app to give a token",
                found=f"HTTP {response.status_code}, {said}",
                remedy="compare the connection's login (consumer key) and password (consumer secret) with the app; "
                "the flow must be enabled in it with a user to run as, and the host be the org's own My Domain",
            )
        return answer

    def _token_over(self) -> ConfigError:
        return ConfigError(
            "the token is refused",
            **self._places(),
            expected="a token that is in force",
            found="INVALID_SESSION_ID",
            remedy="put a new token into the connection's password; or, so that it is renewed by itself, the consumer "
            "key of an external client app into its login and the consumer secret into its password",
        )

    def _read(self, endpoint: str, response: httpx.Response) -> dict[str, Any]:
        """The JSON object in a response."""
        status = response.status_code
        answer = self._json_in(endpoint, response)
        if status == 200 and isinstance(answer, dict):
            self._note_time(response)
            return answer
        error = answer[0] if isinstance(answer, list) and answer else answer
        said: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
        code, told = str(said.get("errorCode") or ""), self._scrub(str(said.get("message") or ""))[:160]
        if status in (414, 431):
            raise self._too_long(endpoint, status)
        if code == "INVALID_QUERY_LOCATOR":
            raise _LocatorLost
        if status == 401 and code in ("INVALID_SESSION_ID", "INVALID_AUTH_HEADER"):
            raise _SessionOver
        if code == "INVALID_TYPE" or (status == 404 and code == "NOT_FOUND"):
            raise Unreadable
        if code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" not in told.lower():
            raise SourceFault(
                f"{endpoint}: the day's calls are used up",
                **self._places(),
                expected="calls left",
                found=f"HTTP {status}, {code}: {told}",
                remedy="run the night again later (calls are counted over 24 hours), or have the limit raised",
            )
        if status == 429 or status >= 500 or code in ("REQUEST_LIMIT_EXCEEDED", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE"):
            found = f"HTTP {status}" + (f", {code}" if code else "")
            default = 10 * self._options.backoff_seconds if code == "REQUEST_LIMIT_EXCEEDED" else None
            raise self._resting(endpoint, response, found, default)
        if not said:
            raise self._no_api(endpoint, response)
        if status in (401, 403):
            raise ConfigError(
                f"{endpoint} is not allowed",
                **self._places(),
                expected="a user who may use the API and read the object",
                found=f"HTTP {status}, {code}: {told}",
                remedy="give the app's user the permission API Enabled and read access to the object",
            )
        raise SourceFault(
            f"{endpoint} refuses the call",
            **self._places(),
            expected="HTTP 200",
            found=f"HTTP {status}, {code}: {told}",
            remedy="check the fields named under `objects:` in the sources file; else report this message",
        )

    def _too_long(self, endpoint: str, status: int) -> SourceFault:
        return SourceFault(
            f"{endpoint}: the request is too long for what stands between here and the API",
            **self._places(),
            expected=f"a URI and headers of up to {LONGEST_REQUEST:,} bytes to pass, as Salesforce takes them",
            found=f"HTTP {status}",
            remedy="name fewer fields under `objects:`, or raise the limit of the proxy",
        )

    def _broken_off(self, endpoint: str) -> SourceFault:
        return SourceFault(
            f"{endpoint} breaks off again and again",
            **self._places(),
            expected="the next page of a query",
            found=f"INVALID_QUERY_LOCATOR or a session that is over, {MOST_RESTARTS + 1} times at one place",
            remedy="another program may hold all query cursors of this user (10): give the connector a user of its own",
        )

    def _hidden(self) -> set[str]:
        return self._secrets


def of_ids(ids: Sequence[str]) -> str:
    """The SOQL condition that picks these records."""
    return "Id IN ({})".format(",".join(f"'{one}'" for one in ids))


def literal(value: str, name: str) -> str:
    """A value of the API as SOQL writes it: times bare and in UTC, all else quoted."""
    at = moment(value) if name.rpartition(".")[2] in TIMES else None
    return time_literal(at) if at else "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"


def time_literal(at: datetime) -> str:
    """A time as SOQL writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
