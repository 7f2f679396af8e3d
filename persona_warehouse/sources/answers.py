"""What connectors of APIs share: asking with retries, resting when told to, reading answers, knowing what was met."""

from __future__ import annotations

import hashlib
import html
import json
import logging
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Protocol, TypeVar

import httpx
import numpy as np
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from persona_warehouse.errors import SourceFault

log = logging.getLogger(__name__)

T = TypeVar("T")

# a server that wants a longer rest than this is not worth holding a task for
LONGEST_REST_SECONDS = 900


def is_url(text: object) -> bool:
    """Whether a text is the address of an API: a scheme and a host, no query, nobody's name."""
    try:
        url = httpx.URL(text) if isinstance(text, str) else None
    except httpx.InvalidURL:
        return False
    return url is not None and url.scheme in ("http", "https") and bool(url.host) and not (url.query or url.userinfo)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header (seconds or an HTTP date) asks for, at least 0; None when it says nothing."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def load_json(text: str) -> Any:
    """JSON as vendors write it: control characters inside texts are let through, NaN becomes null.

    Raises:
        ValueError: no JSON.
    """
    try:
        return clean(json.loads(text, strict=False))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def clean(value: Any) -> Any:
    """The value without what Parquet and JSON cannot hold: halves of surrogate pairs, NaN, infinities."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


class Seen:
    """Ids met so far, 8 bytes each: five million take 40 MB.

    Two ids share a digest once in some million such runs.
    """

    def __init__(self) -> None:
        self._digests = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._digests)

    def fresh(self, ids: Iterable[str]) -> list[str]:
        """Those not met before, in their order; they count as met from now on."""
        unique = list(dict.fromkeys(ids))
        joined = b"".join(
            hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest() for one in unique
        )
        digests = np.frombuffer(joined, dtype=np.uint64)
        places = np.searchsorted(self._digests, digests)
        is_new = np.ones(len(digests), dtype=bool)
        inside = places < len(self._digests)
        is_new[inside] = self._digests[places[inside]] != digests[inside]
        new = np.unique(digests[is_new])
        self._digests = np.insert(self._digests, np.searchsorted(self._digests, new), new)
        return [one for one, keep in zip(unique, is_new, strict=True) if keep]

    def fresh_records(self, records: Iterable[T], id_of: Callable[[T], str | None]) -> list[T]:
        """Those whose id was not met before, each once; what has no id is kept, it lands as a row in error."""
        listed = [(id_of(record), record) for record in records]
        new = set(self.fresh(one for one, _ in listed if one))
        kept = []
        for one, record in listed:
            if not one or one in new:
                kept.append(record)
                new.discard(one or "")
        return kept


def visible_text(page: str, limit: int = 60) -> str:
    """The first characters that a reader of an HTML page (or of any other text) sees."""
    bare = re.sub(r"(?is)<!--.*?-->|<(script|style|noscript|template)\b.*?</\1\s*>|<[^>]*>", " ", page)
    return " ".join(html.unescape(bare).split())[:limit].strip()


class UnexpectedShape(Exception):
    """JSON that is not what the API documents.

    Attributes:
        field: the key that is wrong.
        expected, found: kinds of value, never the value itself.
    """

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(f"{field}: expected {expected}, found {found}")
        self.field = field
        self.expected = expected
        self.found = found


class Transient(Exception):
    """A failure that may pass. `rest` is how long the server wants to be left alone, seconds; None: back off."""

    def __init__(self, problem: str, expected: str, found: str, remedy: str, rest: float | None = None) -> None:
        super().__init__(f"{problem}: {found}")
        self.problem = problem
        self.expected = expected
        self.found = found
        self.remedy = remedy
        self.rest = rest


class Patience(Protocol):
    """How patient a client is: further attempts after the first, the first pause (it doubles), seconds to wait."""

    @property
    def source(self) -> str: ...
    @property
    def max_retries(self) -> int: ...
    @property
    def backoff_seconds(self) -> float: ...
    @property
    def timeout_seconds(self) -> float: ...


class ApiClient(ABC):
    """Asks an API: what may pass is tried again, what remains becomes one error that holds no secret.

    Args:
        patience: the connector's options.
        object: the landing object, for messages.
        sleep: takes seconds; tests give one that does not wait.

    Attributes:
        vendor: whose API it is, for messages.
        started: the server's time at its first answer (`_note_time`); what changes after it may have been missed.
    """

    vendor: ClassVar[str] = "vendor's"

    def __init__(self, patience: Patience, object: str, sleep: Callable[[float], None]) -> None:
        self._patience = patience
        self._object = object
        self._sleep = sleep
        self.started: datetime | None = None
        self._backoff = wait_exponential_jitter(
            initial=patience.backoff_seconds, max=60 * patience.backoff_seconds, jitter=patience.backoff_seconds
        )

    @abstractmethod
    def _hidden(self) -> Iterable[str]:
        """What must stand in no message."""

    def _retried(self, endpoint: str, attempt: Callable[[], T]) -> T:
        """What `attempt` gives, after as many tries as there is patience for."""
        retrying = Retrying(
            stop=stop_after_attempt(self._patience.max_retries + 1),
            wait=self._pause,
            retry=retry_if_exception_type(Transient),
            before_sleep=lambda state: self._tell(endpoint, state),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except Transient as failure:
            last = failure
        # raised out here: the cause is told in the text, and its chain could hold more than may be told
        raise SourceFault(
            last.problem,
            **self._places(),
            expected=last.expected,
            found=f"{last.found}, at the last of {self._patience.max_retries + 1} attempts",
            remedy=last.remedy,
        )

    def _asked(self, endpoint: str, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """The response to one request; no whole answer is a failure that may pass."""
        try:
            return ask()
        except (httpx.TransportError, httpx.DecodingError) as error:
            late = isinstance(error, httpx.TimeoutException)
            waited = f"nothing within {self._patience.timeout_seconds:g} seconds"
            failure = Transient(
                f"{endpoint} gave no whole answer",
                "an answer",
                f"{type(error).__name__}: {waited if late else self._scrub(str(error))[:160]}",
                "check the network from this machine to the API's host, then run the night again",
            )
        raise failure

    def _json_in(self, endpoint: str, response: httpx.Response) -> Any:
        """The JSON in a response, None when there is none; half of one is a failure that may pass."""
        # the charset it names is not to be trusted: APIs write UTF-8 under any
        text = response.content.decode("utf-8-sig", "replace")
        try:
            return load_json(text)
        except ValueError:
            if response.status_code < 300 and text.strip()[:1] in ("", "{", "["):
                kind = response.headers.get("content-type") or "no content type"
                raise Transient(
                    f"{endpoint} sent half an answer",
                    "a whole JSON object",
                    f"{len(response.content)} bytes of {kind} that end too early",
                    "try again later; nothing of it was loaded",
                ) from None
        return None

    def _note_time(self, response: httpx.Response) -> None:
        if self.started is None:
            try:
                self.started = parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
            except (KeyError, ValueError):
                self.started = datetime.now(UTC)

    def _parsed(self, endpoint: str, parser: Callable[[Mapping[str, Any]], T], answer: Mapping[str, Any]) -> T:
        """What a parser finds in an answer."""
        try:
            return parser(answer)
        except UnexpectedShape as error:
            shape = error
        raise self._shape(endpoint, shape, answer)

    def _shape(self, endpoint: str, error: UnexpectedShape, answer: Mapping[str, Any]) -> SourceFault:
        keys = self._scrub(", ".join(sorted(map(str, answer))) or "(none)")[:160]
        return SourceFault(
            f"{endpoint} answered in an unknown shape",
            **self._places(),
            field=error.field,
            expected=error.expected,
            found=f"{error.found}; the answer has the keys {keys}",
            remedy=f"check that `base_url` is the {self.vendor} API itself; if it is, report it with this message",
        )

    def _in_a_circle(self, endpoint: str, field: str, expected: str) -> SourceFault:
        return SourceFault(
            f"{endpoint} gives the same records again and again",
            **self._places(),
            field=field,
            expected=expected,
            found="one that was served before, twice",
            remedy="run the night again; nothing of it was loaded",
        )

    def _no_api(self, endpoint: str, response: httpx.Response) -> SourceFault:
        """The error of a page that is no answer of an API."""
        kind = response.headers.get("content-type") or "no content type"
        moved = f", which leads to {response.next_request.url.host}" if response.next_request else ""
        shown = visible_text(self._scrub(response.content.decode("utf-8-sig", "replace")))
        return SourceFault(
            f"{endpoint} did not answer as an API",
            **self._places(),
            expected="HTTP 200 and a JSON object (application/json)",
            found=f'HTTP {response.status_code}{moved}, {kind}, beginning "{shown}"',
            remedy="something between here and the API answered (a login page, a proxy), or `base_url` is not the API: "
            "open it from this machine, and correct `base_url`, the connection's host or the proxy",
        )

    def _resting(self, endpoint: str, response: httpx.Response, found: str, default: float | None = None) -> Exception:
        """The failure of an overloaded server: a rest as it asks for, else `default`; too long a one is final."""
        rest = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        if rest is not None and rest > LONGEST_REST_SECONDS:
            return SourceFault(
                f"{endpoint} wants a long rest",
                **self._places(),
                expected=f"a Retry-After of at most {LONGEST_REST_SECONDS} seconds",
                found=f"{found} and Retry-After of {rest:.0f} seconds",
                remedy=f"run the night again in {rest / 60:.0f} minutes",
            )
        problem, remedy = f"{endpoint} is overloaded or down", "run the night again later"
        return Transient(problem, "HTTP 200", found, remedy, default if rest is None else rest)

    def _pause(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Transient) and failure.rest is not None:
            return failure.rest
        return self._backoff(state)

    def _tell(self, endpoint: str, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        attempts = self._patience.max_retries + 1
        log.warning("%s; attempt %d of %d, next in %.1f s", failure or endpoint, state.attempt_number, attempts, pause)

    def _places(self) -> dict[str, Any]:
        return {"source": self._patience.source, "object": self._object}

    def _scrub(self, text: str) -> str:
        for secret in sorted(filter(None, self._hidden()), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text
