"""The OpenAPI of 纷享销客 over HTTP: tokens, pace, error codes, paging by id.

Secrets and tokens stand in bodies and headers only: in no URL, no log line and no error text.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from persona_warehouse import __version__
from persona_warehouse.connections import is_loopback
from persona_warehouse.errors import ConfigError, PersonaError, SourceFault
from persona_warehouse.sources.answers import ApiClient, Transient, UnexpectedShape
from persona_warehouse.sources.fxiaoke import parse
from persona_warehouse.sources.progress import Span
from persona_warehouse.sources.records import kind, text_of
from persona_warehouse.sources.tokens import Token, TokenStore

DEFAULT_BASE_URL = "https://open.fxiaoke.com"
OAUTH_TOKEN = "/oauth2.0/token"  # noqa: S105 an endpoint
CORP_TOKEN = "/cgi/corpAccessToken/get/V2"  # noqa: S105 an endpoint
OBJECTS = "/cgi/crm/v2/object/list"
DESCRIBE = "/cgi/crm/v2/object/describe"
QUERY = "/cgi/crm/v2/data/query"
CUSTOM_QUERY = "/cgi/crm/custom/v2/data/query"
CUSTOM = "__c"

OAUTH, CORP = "oauth2", "corp_access_token"
# in its last ten minutes a token is served anew, and both are in force
TOKEN_MARGIN_SECONDS = 600

TOKEN_REJECTED = 20016
BUSY = frozenset({-2, -1, 50009})
TOO_FAST = frozenset({14001, 30004})
_CREDENTIALS = "compare the connection's login (appId), password (appSecret) and `permanent_code` with the app's page"
_APP = "let an administrator of the tenant open the app and what it may read"
_USER = "put the id of an employee who may see all records, best a CRM administrator, into the connection's `user_id`"
_UNKNOWN = "check what the employee may see and what `objects:` says in the sources file; else report this message"
# errorCode -> kind of error, what it means, what to do; a person must act on every ConfigError, waiting does not help
VERDICTS: dict[int, tuple[type[PersonaError], str, str]] = {
    30002: (
        SourceFault,
        "the day's calls are used up",
        "run the night again after 00:00 Beijing time, or buy more calls",
    ),
    30003: (SourceFault, "the tenant has bought no calls of the OpenAPI", "order an OpenAPI package for the tenant"),
    10013: (SourceFault, "a page beyond the 10,000th record, or a call without token", "report it with this message"),
    15003: (ConfigError, "the app may not use this endpoint", _APP),
    20020: (ConfigError, "the app may not read this tenant", _APP),
    20021: (ConfigError, "the app is switched off in this tenant", _APP),
    20022: (ConfigError, "the tenant has not authorised the app", _APP),
    20012: (ConfigError, "the employee is unknown", _USER),
    20014: (ConfigError, "the app may not act for this employee", _USER),
    30027: (ConfigError, "the employee does not exist", _USER),
}


@dataclass(frozen=True)
class Options:
    """Where the API is, who we are and how patient.

    Attributes:
        source: for messages, such as `crm/fxiaoke`.
        base_url: without a slash at the end.
        user_id: the employee whose rights decide what is seen.
        auth: `oauth2` (token in a header) or `corp_access_token` (in the body).
        page_size: records on a page, at most 100.
        calls, seconds: at most so many calls of an endpoint within so many seconds.
        names_fields: whether every field is asked for by name; else none is, and all come.
        includes_invalid: whether queries ask for records that were made invalid by a flag of their own.
        timeout_seconds: of connecting, and of every wait for bytes.
        max_retries: further attempts after the first.
        backoff_seconds: the first pause; it doubles.
    """

    source: str
    base_url: str
    app_id: str
    secret: str = field(repr=False)
    permanent_code: str = field(repr=False)
    user_id: str
    auth: str = OAUTH
    page_size: int = 100
    calls: int = 100
    seconds: float = 20.0
    names_fields: bool = False
    includes_invalid: bool = False
    timeout_seconds: float = 30.0
    max_retries: int = 5
    backoff_seconds: float = 1.0


class Pace:
    """Keeps an endpoint's calls under so many within so many seconds, whoever makes them.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._made: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=calls))
        self._lock = threading.Lock()

    def book(self, endpoint: str) -> float:
        """Seconds to wait before the next call, which counts as made from then on."""
        with self._lock:
            now, made = self._clock(), self._made[endpoint]
            at = max(now, made[0] + self._seconds) if len(made) == made.maxlen else now
            made.append(at)
            return at - now


class Tenant:
    """What all clients of one tenant share: token, pace, and which objects there are."""

    def __init__(self, options: Options) -> None:
        self.tokens = TokenStore()
        self.pace = Pace(options.calls, options.seconds)
        self.objects: frozenset[str] | None = None


class _TokenRejected(Exception):
    pass


class FxiaokeClient(ApiClient):
    """One HTTP session for one landing object; a context manager.

    Every method raises ConfigError when a person must act (credentials, rights) and SourceFault when the API fails,
    after the retries that the failure allows.
    """

    vendor = "纷享销客"

    def __init__(
        self, options: Options, object: str, tenant: Tenant, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(options, object, sleep)
        self._options = options
        self._tenant = tenant
        self._http = httpx.Client(
            timeout=options.timeout_seconds,
            trust_env=not is_loopback(httpx.URL(options.base_url).host),
            headers={"User-Agent": f"persona-warehouse/{__version__}", "Accept": "application/json"},
        )
        # what must never be printed: grows with every token
        self._secrets = {options.secret, options.permanent_code}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def source(self) -> str:
        """For messages."""
        return self._options.source

    def objects(self) -> frozenset[str]:
        """The objects that the tenant has, asked for once."""
        if self._tenant.objects is None:
            self._tenant.objects = self._parsed(OBJECTS, parse.objects_in, self.call(OBJECTS, {}))
        return self._tenant.objects

    def describe(self, api_name: str) -> parse.Description:
        """Fields and options of an object."""
        answer = self.call(DESCRIBE, {"includeDetail": False, "data": {"apiName": api_name}})
        return self._parsed(DESCRIBE, parse.description_in, answer)

    def records(
        self, api_name: str, description: parse.Description, span: Span, condition: Mapping[str, Any] | None = None
    ) -> Iterator[list[Any]]:
        """The records whose last change is in `span`, page by page, each once.

        Each page is a query of its own for the ids behind the last one met: no offset comes near its limit of 10,000,
        and a record that enters or leaves the span while it is read moves no others.

        Args:
            condition: a further filter, as the API writes it.
        """
        endpoint = CUSTOM_QUERY if api_name.endswith(CUSTOM) else QUERY
        filters = [*_within(span, description), *([condition] if condition else [])]
        last, asked_again = "", False
        while True:
            behind = [_filter("_id", "GT", last)] if last else []
            answer = self.call(endpoint, self._question(api_name, [*filters, *behind], description))
            found, limit = self._parsed(endpoint, parse.page_in, answer)
            fresh = [record for record in found if (one := parse.id_of(record)) is None or one > last]
            ids = [one for record in fresh if (one := parse.id_of(record))]
            if (found and not fresh) or ids != sorted(set(ids)):
                # a page that is served again, or out of order: what stands between would be lost
                if asked_again:
                    raise self._in_a_circle(endpoint, "_id", "ids behind the last one, in ascending order")
                asked_again = True
                continue
            if fresh:
                yield fresh
            if len(found) < min(self._options.page_size, limit or self._options.page_size):
                return
            if not ids:
                raise self._shape(
                    endpoint, UnexpectedShape("data.dataList._id", "a text", "none on a whole page"), answer
                )
            last, asked_again = ids[-1], False

    def call(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One answer of the API, with its retries; a token that is refused is renewed once."""
        return self._retried(endpoint, lambda: self._with_token(endpoint, body))

    def _question(
        self, api_name: str, filters: Sequence[Mapping[str, Any]], description: parse.Description
    ) -> dict[str, Any]:
        query: dict[str, Any] = {
            "limit": self._options.page_size,
            "offset": 0,
            "filters": list(filters),
            "orders": [{"fieldName": "_id", "isAsc": True}],
        }
        if self._options.names_fields:
            query["fieldProjection"] = sorted({"_id", *description.types})
        data: dict[str, Any] = {
            "dataObjectApiName": api_name, "find_explicit_total_num": False, "search_query_info": query,
        }  # fmt: skip
        if self._options.includes_invalid:
            data["includeInvalid"] = True
        return {"data": data}

    def _with_token(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(2):
            token = self._tenant.tokens.get(self._fetch_token)
            self._secrets.add(token.value)
            if self._options.auth == OAUTH:
                headers = {
                    "authorization": f"Bearer {token.value}",
                    "x-fs-ea": token.tenant,
                    "x-fs-userid": self._options.user_id,
                }
                whole = dict(body)
            else:
                headers = {}
                who = {"corpAccessToken": token.value, "corpId": token.tenant}
                whole = {**who, "currentOpenUserId": self._options.user_id, **body}
            try:
                return self._post(endpoint, whole, headers)
            except _TokenRejected:
                self._tenant.tokens.reject(token)
        raise SourceFault(
            f"{endpoint} refuses a token that was given a moment ago",
            **self._places(),
            expected="errorCode 0",
            found=f"errorCode {TOKEN_REJECTED}, twice",
            remedy=f"check `base_url` (every cloud has its own host) and `auth`; {_CREDENTIALS}",
        )

    def _fetch_token(self, _force: bool) -> Token:
        """A token; the API gives the same one for 6,600 seconds, whatever is asked."""
        who = {
            "appId": self._options.app_id,
            "appSecret": self._options.secret,
            "permanentCode": self._options.permanent_code,
        }
        if self._options.auth == OAUTH:
            endpoint, value_key, tenant_key = OAUTH_TOKEN, "accessToken", "ea"
            who["grantType"] = "app_secret"
        else:
            endpoint, value_key, tenant_key = CORP_TOKEN, "corpAccessToken", "corpId"
        answer = self._retried(endpoint, lambda: self._post(endpoint, who, {}))
        value, tenant = text_of(answer.get(value_key)), text_of(answer.get(tenant_key))
        if not value or not tenant:
            missing = tenant_key if value else value_key
            raise self._shape(endpoint, UnexpectedShape(missing, "a text", kind(answer.get(missing))), answer)
        life = answer.get("expiresIn")
        seconds = float(life) if isinstance(life, int | float) and 0 < life <= 7200 else 7200.0
        return Token(value, time.monotonic() + max(seconds - TOKEN_MARGIN_SECONDS, 60), tenant)

    def _post(self, endpoint: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        wait = self._tenant.pace.book(endpoint)
        if wait:
            self._sleep(wait)
        url, query = self._options.base_url + endpoint, {"thirdTraceId": str(uuid.uuid4())}
        response = self._asked(endpoint, lambda: self._http.post(url, params=query, json=body, headers=headers))
        return self._read(endpoint, response)

    def _read(self, endpoint: str, response: httpx.Response) -> dict[str, Any]:
        """The JSON object in a response; errors stand in it, whatever the HTTP status is."""
        if response.status_code == 429 or response.status_code >= 500:
            raise self._resting(endpoint, response, f"HTTP {response.status_code}")
        answer = self._json_in(endpoint, response)
        if response.status_code != 200 or not isinstance(answer, dict):
            raise self._no_api(endpoint, response)
        code = answer.get("errorCode")
        if not isinstance(code, int) or isinstance(code, bool):
            raise self._shape(endpoint, UnexpectedShape("errorCode", "a whole number", kind(code)), answer)
        if code == 0:
            self._note_time(response)
            return answer
        is_token = endpoint in (OAUTH_TOKEN, CORP_TOKEN)
        if code == TOKEN_REJECTED and not is_token:
            raise _TokenRejected
        raise self._refused(endpoint, code, answer, is_token)

    def _refused(self, endpoint: str, code: int, answer: Mapping[str, Any], is_token: bool) -> Exception:
        told = text_of(answer.get("errorDescription")) or text_of(answer.get("errorMessage")) or ""
        trace = text_of(answer.get("traceId"))
        found = self._scrub(f"errorCode {code}: {told[:120]}" + (f" (traceId {trace[:60]})" if trace else ""))
        if code in BUSY or code in TOO_FAST:
            rest = self._options.seconds if code in TOO_FAST else None
            return Transient(f"{endpoint} is overloaded", "errorCode 0", found, "run the night again later", rest)
        verdict, problem, remedy = VERDICTS.get(code, (SourceFault, "refuses the call", _UNKNOWN))
        if is_token and code not in VERDICTS:
            verdict, problem, remedy = ConfigError, "the app's credentials are refused", _CREDENTIALS
        return verdict(
            f"{endpoint}: {problem}",
            **self._places(),
            field=f"errorCode {code}",
            expected="errorCode 0",
            found=found,
            remedy=remedy,
        )

    def _hidden(self) -> set[str]:
        return self._secrets


def _within(span: Span, description: parse.Description) -> list[dict[str, Any]]:
    """Filters for the changes of a span; an object without that field is read whole."""
    if parse.MODIFIED not in description.types:
        return []
    since = [_filter(parse.MODIFIED, "GT", str(parse.milliseconds(span.since) - 1))] if span.since else []
    until = [_filter(parse.MODIFIED, "LT", str(parse.milliseconds(span.until)))] if span.until else []
    return [*since, *until]


def _filter(name: str, operator: str, value: str) -> dict[str, Any]:
    return {"field_name": name, "operator": operator, "field_values": [value]}
