"""The HubSpot CRM API over HTTP: retries, rate limits, paging by list and by search, associations.

The token stands in a header only: in no URL, no log line and no error text.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from persona_warehouse import __version__
from persona_warehouse.connections import is_loopback
from persona_warehouse.errors import ConfigError, SourceFault
from persona_warehouse.sources.answers import ApiClient, Seen, UnexpectedShape
from persona_warehouse.sources.config import nearest
from persona_warehouse.sources.hubspot import parse
from persona_warehouse.sources.progress import Span

log = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.hubapi.com"
OBJECTS = "/crm/v3/objects"
ASSOCIATIONS = "/crm/v3/associations"
PROPERTIES = "/crm/v3/properties"

SEARCH_SIZE = 200
BATCH_SIZE = 100
# with a property's history a request gives half as many records
HISTORY_SIZE = 50
# a longer list of properties is cut off by proxies on the way: such records are read in batches, by POST
LONGEST_PROPERTIES = 2000
MODIFIED = {"companies": "hs_lastmodifieddate", "contacts": "lastmodifieddate", "deals": "hs_lastmodifieddate"}


@dataclass(frozen=True)
class Options:
    """Where the API is, who we are and how patient.

    Attributes:
        source: for messages, such as `crm/hubspot`.
        base_url: without a slash at the end.
        token: of a private app.
        page_size: records on a page of the list, at most 100.
        timeout_seconds: of connecting, and of every wait for bytes.
        max_retries: further attempts after the first.
        backoff_seconds: the first pause; it doubles. A 429 without Retry-After rests 10 times this.
    """

    source: str
    base_url: str
    token: str = field(repr=False)
    page_size: int = 100
    timeout_seconds: float = 30.0
    max_retries: int = 5
    backoff_seconds: float = 1.0


@dataclass(frozen=True)
class Wanted:
    """What is read of each record. `history` properties come with all their former values."""

    properties: tuple[str, ...] = ()
    history: tuple[str, ...] = ()

    @property
    def batch_size(self) -> int:
        return HISTORY_SIZE if self.history else BATCH_SIZE

    @property
    def fits_a_url(self) -> bool:
        return len(",".join(self.properties)) < LONGEST_PROPERTIES


class HubSpotClient(ApiClient):
    """One HTTP session for one landing object; a context manager.

    Every method raises ConfigError when a person must act (token, scope) and SourceFault when the API fails, after the
    retries that the failure allows.
    """

    vendor = "HubSpot"

    def __init__(self, options: Options, object: str, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(options, object, sleep)
        self._options = options
        self._http = httpx.Client(
            timeout=options.timeout_seconds,
            trust_env=not is_loopback(httpx.URL(options.base_url).host),
            headers={
                "Authorization": f"Bearer {options.token}",
                "User-Agent": f"persona-warehouse/{__version__}",
                "Accept": "application/json",
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def require(self, object_type: str, names: Collection[str]) -> None:
        """Refuses properties that the portal does not have: the API would leave them out without a word.

        Raises:
            ConfigError: there is one; the nearest names are told.
        """
        if not names:
            return
        endpoint = f"{PROPERTIES}/{object_type}"
        try:
            answer = self.call("GET", endpoint)
        except ConfigError:
            # the app may read records but not their properties' names; a wrong token fails with the records
            log.warning("%s: the properties' names cannot be read, so those asked for are not checked", endpoint)
            return
        found = self._parsed(endpoint, parse.results_of, answer)
        known = sorted({str(one["name"]) for one in found if isinstance(one, Mapping) and one.get("name")})
        for name in sorted(names):
            if name not in known:
                raise ConfigError(
                    "a property that the sources file names does not exist in the portal",
                    **self._places(),
                    field=name,
                    expected=f"a property {name} of {object_type}, by its internal name",
                    found=f"{name}{nearest(name, known)}",
                    remedy="correct `columns:` or `properties:` of this object in the sources file",
                )

    def listed(
        self, object_type: str, wanted: Wanted, associations: str | None = None, *, archived: bool = False
    ) -> Iterator[list[Any]]:
        """All records, page by page, each once; a page that is served twice is asked for once more."""
        seen = Seen()
        endpoint = f"{OBJECTS}/{object_type}"
        query = {
            "limit": str(min(self._options.page_size, wanted.batch_size)),
            "archived": str(archived).lower(),
            "properties": ",".join(wanted.properties) if wanted.fits_a_url else "",
            "propertiesWithHistory": ",".join(wanted.history),
            "associations": associations or "",
        }
        after: str | None = None
        met: set[str | None] = {None}
        asked_again = False
        while True:
            page = {key: value for key, value in {**query, "after": after or ""}.items() if value}
            answer = self.call("GET", endpoint, page)
            fresh = seen.fresh_records(self._parsed(endpoint, parse.results_of, answer), parse.id_of)
            if fresh:
                yield fresh if wanted.fits_a_url else self._reread(object_type, fresh, wanted, archived)
            following = self._parsed(endpoint, parse.next_after, answer)
            if following is None:
                return
            if following == after and not asked_again:
                asked_again = True
                continue
            if following in met:
                raise self._in_a_circle(endpoint, "paging.next.after", "a page that was not served yet")
            met.add(following)
            after, asked_again = following, False

    def changed(self, object_type: str, wanted: Wanted, span: Span) -> Iterator[list[Any]]:
        """The records whose last change is in `span`, page by page.

        Each page is a query of its own for the ids after the last one met: no query reaches the cap of 10,000 records,
        however many share a time, and records that enter or leave the span while it is read move no others.
        """
        endpoint = f"{OBJECTS}/{object_type}/search"
        name = MODIFIED[object_type]
        filters = [
            {"propertyName": name, "operator": operator, "value": str(round(at.timestamp() * 1000))}
            for operator, at in (("GTE", span.since), ("LT", span.until))
            if at is not None
        ]
        last, asked_again = 0, False
        while True:
            behind = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
            body = {
                "filterGroups": [{"filters": [*filters, behind]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": list(wanted.properties),
                "limit": SEARCH_SIZE,
            }
            answer = self.call("POST", endpoint, body=body)
            found = self._parsed(endpoint, parse.results_of, answer)
            if not found:
                return
            ids = [int(one) for record in found if (one := parse.id_of(record))]
            if max(ids, default=0) <= last:
                # a page that is served again
                if asked_again:
                    raise self._in_a_circle(endpoint, "hs_object_id", "ids behind the last one, in ascending order")
                asked_again = True
                continue
            fresh = [record for record in found if (one := parse.id_of(record)) is None or int(one) > last]
            yield self._reread(object_type, fresh, wanted, False) if wanted.history else fresh
            if self._parsed(endpoint, parse.next_after, answer) is None:
                return
            last, asked_again = max(ids), False

    def associated(self, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, list[parse.Association]]:
        """What these records are associated with; a record without any has no entry."""
        endpoint = f"{ASSOCIATIONS}/{from_type}/{to_type}/batch/read"
        found: dict[str, list[parse.Association]] = {}
        for start in range(0, len(ids), BATCH_SIZE):
            body = {"inputs": [{"id": one} for one in ids[start : start + BATCH_SIZE]]}
            answer = self.call("POST", endpoint, body=body)
            for entry in self._parsed(endpoint, parse.results_of, answer):
                origin = parse.id_of(entry.get("from")) if isinstance(entry, Mapping) else None
                if origin is None:
                    raise self._shape(endpoint, UnexpectedShape("from.id", "a text", "none"), answer)
                found[origin] = self._all_of(from_type, to_type, origin, entry, "to")
        return found

    def associations_in(self, from_type: str, to_type: str, record: Any) -> list[parse.Association]:
        """What a listed record is associated with; the list shows the first hundred or so, the rest is fetched."""
        named = record.get("associations") if isinstance(record, Mapping) else None
        block = named.get(to_type) if isinstance(named, Mapping) else None
        origin = parse.id_of(record)
        if not isinstance(block, Mapping) or origin is None:
            return []
        return self._all_of(from_type, to_type, origin, block, "results")

    def call(
        self, method: str, endpoint: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """One answer of the API, with its retries."""
        return self._retried(endpoint, lambda: self._attempt(method, endpoint, query, body))

    def _reread(self, object_type: str, records: list[Any], wanted: Wanted, archived: bool) -> list[Any]:
        """The same records with all that is wanted of them, which list or search did not give."""
        endpoint = f"{OBJECTS}/{object_type}/batch/read"
        by_id = {one: record for record in records if (one := parse.id_of(record))}
        ids = list(by_id)
        found = [record for record in records if parse.id_of(record) is None]
        for start in range(0, len(ids), wanted.batch_size):
            body: dict[str, Any] = {
                "inputs": [{"id": one} for one in ids[start : start + wanted.batch_size]],
                "properties": list(wanted.properties),
            }
            if wanted.history:
                body["propertiesWithHistory"] = list(wanted.history)
            answer = self.call("POST", endpoint, {"archived": "true"} if archived else None, body)
            for record in self._parsed(endpoint, parse.results_of, answer):
                known = by_id.get(parse.id_of(record) or "", {})
                kept = {key: known[key] for key in ("associations",) if key in known}
                found.append({**record, **kept} if isinstance(record, Mapping) else record)
        return found

    def _all_of(
        self, from_type: str, to_type: str, origin: str, block: Mapping[str, Any], key: str
    ) -> list[parse.Association]:
        """The associations in a block, or, when it holds only the first of them, all that the record has."""
        endpoint = f"{OBJECTS}/{from_type}/<id>/associations/{to_type}"
        entries = block.get(key)
        after = self._parsed(endpoint, parse.next_after, block)
        if after is not None:
            entries = []
            query = {"limit": "500"}
            while True:
                answer = self.call("GET", endpoint.replace("<id>", origin), query)
                entries += self._parsed(endpoint, parse.results_of, answer)
                following = self._parsed(endpoint, parse.next_after, answer)
                if following is None or following == query.get("after"):
                    break
                query["after"] = following
        return self._parsed(endpoint, lambda _: parse.associations_of(entries or []), block)

    def _attempt(
        self, method: str, endpoint: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        url = self._options.base_url + endpoint
        response = self._asked(endpoint, lambda: self._http.request(method, url, params=query, json=body))
        return self._read(endpoint, response)

    def _read(self, endpoint: str, response: httpx.Response) -> dict[str, Any]:
        """The JSON object in a response."""
        status = response.status_code
        answer = self._json_in(endpoint, response)
        said = answer if isinstance(answer, dict) else {}
        # 423 and 477: the record or the whole account is being moved
        if status in (423, 429, 477) or status >= 500:
            raise self._overloaded(endpoint, response, said)
        if status in (401, 403) and isinstance(answer, dict):
            raise self._not_allowed(endpoint, status, said)
        # 207: a batch in which some of the records were not found
        if status in (200, 207) and isinstance(answer, dict):
            self._note_time(response)
            return answer
        if isinstance(answer, dict):
            told = self._scrub(f"{said.get('category') or ''} {said.get('message') or ''}").strip()[:160]
            raise SourceFault(
                f"{endpoint} refuses the call",
                **self._places(),
                expected="HTTP 200",
                found=f"HTTP {status}: {told}",
                remedy="check the properties named under `objects:` in the sources file; else report this message",
            )
        raise self._no_api(endpoint, response)

    def _not_allowed(self, endpoint: str, status: int, said: Mapping[str, Any]) -> ConfigError:
        category = self._scrub(str(said.get("category") or "no category"))[:60]
        scopes = scopes_of(said)
        if status == 401:
            return ConfigError(
                f"{endpoint}: the token is refused",
                **self._places(),
                expected="the token of a private app that is in force",
                found=f"HTTP 401, {category}",
                remedy="put the private app's access token into the connection's password",
            )
        match = re.match(rf"(?:{OBJECTS}|{ASSOCIATIONS})/([a-z]+)", endpoint)
        needed = ", ".join(scopes) or f"crm.objects.{match[1] if match else self._object}.read"
        return ConfigError(
            f"{endpoint}: the private app lacks a scope",
            **self._places(),
            field=needed,
            expected=f"the scope {needed}",
            found=f"HTTP 403, {category}",
            remedy=f"grant {needed} to the private app in HubSpot, Settings, Integrations",
        )

    def _overloaded(self, endpoint: str, response: httpx.Response, said: Mapping[str, Any]) -> Exception:
        policy = self._scrub(str(said.get("policyName") or ""))[:60]
        found = f"HTTP {response.status_code}" + (f", policy {policy}" if policy else "")
        if response.status_code == 429 and "DAILY" in policy.upper():
            return SourceFault(
                f"{endpoint}: the day's calls are used up",
                **self._places(),
                expected="calls left",
                found=found,
                remedy="run the night again after midnight in the portal's time zone, or raise the limit in HubSpot",
            )
        default = 10 * self._options.backoff_seconds if response.status_code == 429 else None
        return self._resting(endpoint, response, found, default)

    def _hidden(self) -> list[str]:
        return [self._options.token]


def scopes_of(said: Mapping[str, Any]) -> list[str]:
    """The scopes that a 403 names, each once."""
    errors = said.get("errors")
    contexts = [one.get("context") for one in errors if isinstance(one, Mapping)] if isinstance(errors, list) else []
    named = [
        str(scope)
        for context in contexts
        if isinstance(context, Mapping)
        for key, scopes in context.items()
        if "scope" in str(key).lower() and isinstance(scopes, list)
        for scope in scopes
    ]
    return list(dict.fromkeys(named))
