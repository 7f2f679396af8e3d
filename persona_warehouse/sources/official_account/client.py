"""The WeChat Official Account API over HTTP: token, retries, error codes, paging.

Tokens, secrets and openids are added to a request on its way out and stand in no log line and no error text.
"""

from __future__ import annotations

import logging
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any, Self, TypeVar

import httpx

from persona_warehouse import __version__
from persona_warehouse.connections import is_loopback
from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.sources.answers import ApiClient, Seen, Transient, UnexpectedShape
from persona_warehouse.sources.official_account import parse
from persona_warehouse.sources.official_account.quota import Quotas, UsedUp, quota_name
from persona_warehouse.sources.tokens import Token, TokenStore

log = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.weixin.qq.com"
STABLE_TOKEN = "/cgi-bin/stable_token"  # noqa: S105 an endpoint
CLASSIC_TOKEN = "/cgi-bin/token"  # noqa: S105 an endpoint
USER_GET = "/cgi-bin/user/get"
USER_INFO = "/cgi-bin/user/info"
USER_INFO_BATCH = "/cgi-bin/user/info/batchget"
TAGS_GET = "/cgi-bin/tags/get"
USER_SUMMARY = "/datacube/getusersummary"
USER_CUMULATE = "/datacube/getusercumulate"
ACCOUNT_SUMMARY = "/datacube/getbizsummary"
ARTICLE_READ = "/datacube/getarticleread"
ARTICLE_SHARE = "/datacube/getarticleshare"
ARTICLE_TOTAL = "/datacube/getarticletotaldetail"

BATCH_SIZE = 100
# a token is renewed this long before its end; the stable one is served anew in its last five minutes
TOKEN_MARGIN_SECONDS = 60
# people follow and leave while the list is read; more than this share missing is a list that broke off
MISSING_SHARE = 0.05

BUSY = -1
DAY_QUOTA = 45009
MINUTE_QUOTA = 45011
INVALID_OPENID = 40003
TOKEN_REJECTED = frozenset({40001, 40014, 42001})
BAD_SPAN = frozenset({61500, 61501})

_CREDENTIALS = "compare the connection's login (appid) and password (appsecret) with the account's developer settings"
_REPORT = "report it with this message"
# errcode -> kind of error, what it means, what to do; a person must act on every ConfigError, waiting does not help
VERDICTS: dict[int, tuple[type[PersonaError], str, str]] = {
    40001: (ConfigError, "the appsecret is refused", _CREDENTIALS),
    40013: (ConfigError, "the appid is not valid", _CREDENTIALS),
    40125: (ConfigError, "the appsecret is not valid", _CREDENTIALS),
    41002: (ConfigError, "the appid is missing", _CREDENTIALS),
    41004: (ConfigError, "the appsecret is missing", _CREDENTIALS),
    40164: (
        ConfigError,
        "this machine's address is not on the account's IP whitelist",
        "add the address to the whitelist in the account's developer settings",
    ),
    89503: (ConfigError, "this machine's address awaits an administrator's consent", "let an administrator confirm it"),
    43002: (SourceFault, "the API wants another HTTP method", _REPORT),
    47009: (
        SourceFault,
        "WeChat has retired the endpoint, asking again does not help",
        "update this package, which must learn the endpoint's successor; until then leave the object out of `objects:`",
    ),
    48001: (
        ConfigError,
        "the account may not use this endpoint",
        "users and statistics need a verified account: have it verified, or name in `objects:` only what it may read",
    ),
    48004: (
        ConfigError,
        "the endpoint is banned for this account",
        "see the account's notices in its console, or leave the object out of `objects:`",
    ),
    **dict.fromkeys(
        (45056, 45057, 45058, 45157, 45158, 45159),
        (SourceFault, "the API refuses a tag, and this only reads tags", _REPORT),
    ),
    48006: (SourceFault, "the month's resets of quotas are used up", "wait until the quota is free again at midnight"),
    50002: (
        SourceFault,
        "the account or the follower is limited by WeChat",
        "see the account's notices in its console",
    ),
    61500: (SourceFault, "a single day is refused as a date in a wrong format", _REPORT),
    61501: (SourceFault, "a single day is refused as out of range", "lower `stats_days` of the source, or try later"),
}

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """Where the API is, who we are and how patient.

    Attributes:
        source: for messages, such as `wechat/official_account`.
        base_url: without a slash at the end.
        token_endpoint: `stable_token` or `token`.
        timeout_seconds: of connecting, and of every wait for bytes.
        max_retries: further attempts after the first.
        backoff_seconds: the first pause; it doubles.
        minute_quota_seconds: the pause when a minute's quota is used up.
    """

    source: str
    base_url: str
    appid: str
    secret: str = field(repr=False)
    token_endpoint: str = "stable_token"  # noqa: S105 an endpoint
    timeout_seconds: float = 30.0
    max_retries: int = 5
    backoff_seconds: float = 1.0
    minute_quota_seconds: float = 60.0


@dataclass(frozen=True)
class Part:
    """What the API says of begin..end: entries, and whether it calls them preliminary (None: it does not say)."""

    begin: date
    end: date
    entries: list[Any]
    is_delay: bool | None


class ApiError(Exception):
    """An errcode that the caller asked to handle itself."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


class _TokenRejected(Exception):
    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode


class _Signing(httpx.BaseTransport):
    """Adds the query to the URL as the request leaves.

    httpx logs the URL of every request and hangs the request on every exception: theirs is the one without tokens,
    secrets and openids.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        extensions = dict(request.extensions)
        query: Mapping[str, str] = extensions.pop("hidden_query", {})
        signed = httpx.Request(
            request.method,
            request.url.copy_merge_params(query),
            headers=request.headers,
            stream=request.stream,
            extensions=extensions,
        )
        return self._inner.handle_request(signed)

    def close(self) -> None:
        self._inner.close()


class WeChatClient(ApiClient):
    """One HTTP session for one landing object; a context manager.

    Every method raises ConfigError when a person must act (credentials, whitelist, permission) and SourceFault when the
    API fails, after the retries that the error code allows.
    """

    def __init__(
        self,
        options: Options,
        object: str,
        tokens: TokenStore | None = None,
        quotas: Quotas | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(options, object, sleep)
        self._options = options
        self._tokens = tokens or TokenStore()
        self._quotas = quotas
        self._http = httpx.Client(
            transport=_Signing(httpx.HTTPTransport(verify=_tls(), proxy=_proxy(options.base_url))),
            timeout=options.timeout_seconds,
            headers={"User-Agent": f"persona-warehouse/{__version__}", "Accept": "application/json"},
        )
        # what must never be printed: grows with every token
        self._secrets = {options.secret, options.appid}
        self._openids: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        if self._quotas:
            self._quotas.give_back()

    def follower_pages(self) -> Iterator[list[str]]:
        """Openids of all followers, page by page (at most 10,000), each openid once.

        Paging ends with a page that has no data, a count of 0, no next_openid, or a next_openid seen before.

        Raises:
            SourceFault: it ended with more than 5 % of the stated total missing.
        """
        seen = Seen()
        cursors = {""}
        cursor, total, asked_again = "", 0, False
        behind: tuple[str, ...] = ()
        while True:
            page = self._page_after(cursor, behind)
            total = page.total if page.total is not None else total
            openids = seen.fresh(page.openids)
            if openids:
                yield openids
                log.info("%s: %d of %d followers listed", self._options.source, len(seen), total)
            if page.is_last:
                break
            if page.next_openid in cursors:
                # behind the last page that is an end; in the middle it is a page served twice: ask once more
                if len(seen) >= total or asked_again:
                    break
                asked_again = True
                continue
            asked_again = False
            cursors.add(page.next_openid)
            cursor, behind = page.next_openid, page.openids
        if len(seen) < total * (1 - MISSING_SHARE):
            raise SourceFault(
                f"{USER_GET} broke off before all followers were listed",
                **self._places(),
                field="next_openid",
                expected=f"about {total} openids, the total that it states",
                found=f"{len(seen)} openids when it stopped giving new ones",
                remedy="run the night again; nothing of this list was loaded",
            )

    def _page_after(self, cursor: str, behind: tuple[str, ...]) -> parse.FollowerPage:
        """The page after a follower; when they have left meanwhile, after the last one before them who has not.

        Args:
            behind: the page that ends with the cursor.
        """
        for openid in (cursor, *reversed(behind[:-1])):
            can_step_back = bool(behind) and openid != behind[0]
            handled = frozenset({INVALID_OPENID}) if can_step_back else frozenset[int]()
            try:
                answer = self.call("GET", USER_GET, {"next_openid": openid}, handled=handled)
            except ApiError:
                log.warning("%s: the follower at the end of a page has left, going on before them", USER_GET)
            else:
                return self._parsed(USER_GET, parse.follower_page, answer)
        raise AssertionError("the first follower of a page is never handled")

    def follower_rows(self, openids: list[str]) -> Iterator[parse.Row]:
        """Landing rows of these followers, asked for a hundred at a time.

        One openid that WeChat calls invalid spoils its batch of a hundred: that batch is then asked for one by one, and
        the invalid ones become rows with errors.
        """
        for start in range(0, len(openids), BATCH_SIZE):
            batch = openids[start : start + BATCH_SIZE]
            body = {"user_list": [{"openid": openid, "lang": "zh_CN"} for openid in batch]}
            try:
                answer = self.call("POST", USER_INFO_BATCH, body=body, handled=frozenset({INVALID_OPENID}))
            except ApiError:
                rows = [row for openid in batch for row in self._single(openid)]
                wrong = sum("row_errors" in row for row in rows)
                log.warning("%s: %d followers of a batch are called invalid; they go to quarantine", USER_INFO, wrong)
                yield from rows
            else:
                yield from parse.follower_rows(batch, self._parsed(USER_INFO_BATCH, parse.user_infos, answer))

    def tag_rows(self) -> list[parse.Row]:
        """Landing rows of all tags."""
        return self._parsed(TAGS_GET, parse.tag_rows, self.call("GET", TAGS_GET))

    def statistics(self, endpoint: str, begin: date, end: date) -> list[Part]:
        """What a statistics endpoint says of begin..end, both included; a span it refuses is asked for in halves."""
        body = {"begin_date": begin.isoformat(), "end_date": end.isoformat()}
        try:
            answer = self.call("POST", endpoint, body=body, handled=BAD_SPAN if begin < end else frozenset())
        except ApiError as error:
            log.info("%s: %s refuses %d days, asking for halves", error, endpoint, (end - begin).days + 1)
            return [part for half in parse.halves(begin, end) for part in self.statistics(endpoint, *half)]
        is_delay = answer.get("is_delay")
        entries = self._parsed(endpoint, parse.stats_list, answer)
        return [Part(begin, end, entries, is_delay if isinstance(is_delay, bool) else None)]

    def call(
        self,
        method: str,
        endpoint: str,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        handled: frozenset[int] = frozenset(),
    ) -> dict[str, Any]:
        """One answer of the API; a refused token is renewed and the call repeated once.

        Raises:
            ApiError: an errcode in `handled`.
        """
        token = self._token()
        try:
            return self._send(method, endpoint, {**(parameters or {}), "access_token": token.value}, body, handled)
        except _TokenRejected as error:
            log.info("%s: %s, asking for a new token", endpoint, error)
        self._tokens.reject(token)
        token = self._token()
        try:
            return self._send(method, endpoint, {**(parameters or {}), "access_token": token.value}, body, handled)
        except _TokenRejected as error:
            problem = f"{endpoint} refuses a token that was just issued"
            found = f"{error}, twice"
        raise SourceFault(
            problem,
            **self._places(),
            expected="a new token to be accepted",
            found=found,
            remedy="another program may fetch tokens for the same appid and so end ours: "
            "keep `token_endpoint: stable_token`, which is not disturbed by /cgi-bin/token",
        )

    def _single(self, openid: str) -> list[parse.Row]:
        try:
            answer = self.call(
                "GET", USER_INFO, {"openid": openid, "lang": "zh_CN"}, handled=frozenset({INVALID_OPENID})
            )
        except ApiError as error:
            return [parse.refused(openid, error.errcode)]
        return parse.follower_rows([openid], [answer])

    def _token(self) -> Token:
        token = self._tokens.get(self._fetch_token)
        self._secrets.add(token.value)
        return token

    def _fetch_token(self, force: bool) -> Token:
        who = {
            "grant_type": "client_credential",
            "appid": self._options.appid,
            "secret": self._options.secret,
        }
        if self._options.token_endpoint == "token":  # noqa: S105 an endpoint
            endpoint = CLASSIC_TOKEN
            answer = self._send("GET", endpoint, who, None, frozenset())
        else:
            endpoint = STABLE_TOKEN
            answer = self._send("POST", endpoint, {}, {**who, "force_refresh": force}, frozenset())
        value, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(life, int):
            raise SourceFault(
                f"{endpoint} gave no token",
                **self._places(),
                field="access_token, expires_in",
                expected="a text and a number of seconds",
                found=f"the keys {self._keys(answer)}",
                remedy="check that `base_url` (or the connection's host) is the WeChat API",
            )
        return Token(value, time.monotonic() + max(life - TOKEN_MARGIN_SECONDS, 1))

    def _send(
        self,
        method: str,
        endpoint: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        handled: frozenset[int],
    ) -> dict[str, Any]:
        """One call with its retries."""
        self._openids = {value for key, value in query.items() if key in ("openid", "next_openid")}
        self._openids.update(entry["openid"] for entry in (body or {}).get("user_list", ()))
        return self._retried(endpoint, lambda: self._attempt(method, endpoint, query, body, handled))

    def _attempt(
        self,
        method: str,
        endpoint: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        handled: frozenset[int],
    ) -> dict[str, Any]:
        if self._quotas:
            try:
                self._quotas.spend(endpoint)
            except UsedUp as used_up:
                raise self._no_quota(endpoint, used_up.limit, used_up.free_at) from None
        url = self._options.base_url + endpoint
        extensions = {"hidden_query": dict(query)}
        response = self._asked(endpoint, lambda: self._http.request(method, url, json=body, extensions=extensions))
        return self._judge(endpoint, self._read(endpoint, response), handled)

    def _read(self, endpoint: str, response: httpx.Response) -> dict[str, Any]:
        """The JSON object in a response."""
        status = response.status_code
        if status == 429 or status >= 500:
            raise self._resting(endpoint, response, f"HTTP {status}")
        answer = self._json_in(endpoint, response)
        if status < 300 and isinstance(answer, dict):
            return answer
        raise self._no_api(endpoint, response)

    def _judge(self, endpoint: str, answer: dict[str, Any], handled: frozenset[int]) -> dict[str, Any]:
        """The answer when it is one; its errcode turned into what the caller does about it."""
        raw = answer.get("errcode", 0)
        code = int(raw) if isinstance(raw, int) or (isinstance(raw, str) and raw.lstrip("-").isdigit()) else None
        if code == 0:
            return answer
        said = self._scrub(str(answer.get("errmsg", "")))[:160]
        found = f"errcode {code}" + (f": {said}" if said else "")
        is_token_call = endpoint in (STABLE_TOKEN, CLASSIC_TOKEN)
        if code in (BUSY, MINUTE_QUOTA):
            rest = self._options.minute_quota_seconds if code == MINUTE_QUOTA else None
            raise Transient(f"{endpoint} has no time", "an answer", found, "run the night again later", rest)
        if code in TOKEN_REJECTED and not is_token_call:
            raise _TokenRejected(code)
        if code in handled:
            raise ApiError(code)
        if code == DAY_QUOTA:
            if self._quotas:
                self._quotas.refuse(endpoint)
            raise self._no_quota(endpoint, None, self._quotas.free_at() if self._quotas else None, found)
        kind, meaning, remedy = VERDICTS.get(
            code or 0, (SourceFault, "the API refuses the call", "look the errcode up in the API's documentation")
        )
        raise kind(f"{endpoint}: {meaning}", **self._places(), expected="an answer", found=found, remedy=remedy)

    def _no_quota(self, endpoint: str, limit: int | None, free_at: datetime | None, said: str = "") -> SourceFault:
        name = quota_name(endpoint)
        when = f"{free_at:%Y-%m-%d %H:%M}" if free_at else "00:00"
        calls = f"{limit:,} calls a day" if limit is not None else "as many calls a day as the API allows"
        return SourceFault(
            f"{endpoint}: the day's quota is used up",
            **self._places(),
            field=f"quotas.{name}",
            expected=f"at most {calls}",
            found=said
            or ("all of them made today" if limit is not None else "the API refused a call today (errcode 45009)"),
            remedy=f"it is free again at {when} in Beijing: run the night after that. If the account's console shows"
            f" another quota, write it as `quotas: {{{name}: …}}` in the sources file",
        )

    def _parsed(self, endpoint: str, parser: Callable[[Mapping[str, Any]], T], answer: Mapping[str, Any]) -> T:
        try:
            return parser(answer)
        except UnexpectedShape as error:
            raise SourceFault(
                f"{endpoint} answered in an unknown shape",
                **self._places(),
                field=error.field,
                expected=error.expected,
                found=f"{error.found}; the answer has the keys {self._keys(answer)}",
                remedy="check that `base_url` is the WeChat API itself; if it is, report it with this message",
            ) from error

    def _hidden(self) -> set[str]:
        return self._secrets | self._openids

    def _keys(self, answer: Mapping[str, Any]) -> str:
        return self._scrub(", ".join(sorted(answer)) or "(none)")[:160]


@cache
def _tls() -> ssl.SSLContext:
    # reading the certificates takes longer than a call: once for all clients
    return httpx.create_ssl_context()


def _proxy(base_url: str) -> str | None:
    """The proxy that the environment names for this host; httpx itself looks only when it builds the transport."""
    url = httpx.URL(base_url)
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
