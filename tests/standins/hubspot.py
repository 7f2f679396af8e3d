"""A strict stand-in for the HubSpot CRM API, with faults on request.

    with HubSpotStandin(rate_limit_once=True) as hubspot:
        monkeypatch.setenv("AIRFLOW_CONN_HUBSPOT_MAIN", hubspot.connection_json())

It holds what `add`, `change`, `archive` and `merge` put there, gives only the properties that are asked for, and
refuses what the API refuses.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from tests.standins.server import LoopbackServer

Answer = dict[str, Any]

MODIFIED = {"companies": "hs_lastmodifieddate", "contacts": "lastmodifieddate", "deals": "hs_lastmodifieddate"}
ALWAYS = {"companies": ["name", "domain"], "contacts": ["email", "firstname", "lastname"], "deals": ["dealname"]}
SINGULAR = {"companies": "company", "contacts": "contact", "deals": "deal"}
LIST_LIMIT, SEARCH_LIMIT, BATCH_LIMIT, HISTORY_LIMIT, SEARCH_CAP = 100, 200, 100, 50, 10_000
LONGEST_QUERY = 4_000
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


class Refusal(Exception):
    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"status": "error", "message": message, "correlationId": "c0ffee", "category": category, **more}


def iso(at: datetime) -> str:
    """A time as HubSpot writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class HubSpotStandin(LoopbackServer):
    """The server; a context manager that listens on a free port of this machine while it is open.

    Args:
        now: the time in its `Date` header.
        rate_limit_once, status_once, cut_body_once, wrong_type_once: the second call of each endpoint gets 429 with
            Retry-After (or without), this HTTP status, half of its body, or its whole answer as text/plain.
        daily_limit: every call gets 429 with the policy DAILY.
        login_page: every call gets a login page in HTML.
        repeat_page: the second page of every list and search is the first one again, once.
        move_record: a record of the first page of every list stands on the last one too.
        scopes: what the token may read; None is all.
        associations_shown: how many associations a list shows before it pages them.

    Attributes:
        calls: how often each endpoint was called, refused calls included.
        searched: the bodies of the searches.
        declared: properties that exist, though no record holds a value.
    """

    date_header = False  # it writes its own

    token = "pat-standin-0f1e2d3c4b5a"

    def __init__(
        self,
        *,
        now: datetime = datetime(2026, 11, 20, 18, tzinfo=UTC),
        rate_limit_once: bool = False,
        retry_after: str | None = "0",
        status_once: int | None = None,
        cut_body_once: bool = False,
        wrong_type_once: bool = False,
        daily_limit: bool = False,
        login_page: bool = False,
        repeat_page: bool = False,
        move_record: bool = False,
        scopes: Iterable[str] | None = None,
        associations_shown: int = 100,
    ) -> None:
        self.now = now
        self.calls: Counter[str] = Counter()
        self.searched: list[Answer] = []
        self.records: dict[str, dict[int, Answer]] = {name: {} for name in MODIFIED}
        self.declared: dict[str, set[str]] = {name: set() for name in MODIFIED}
        self._faults = [
            kind
            for kind, wanted in (
                ("rate", rate_limit_once),
                ("status", status_once is not None),
                ("cut", cut_body_once),
                ("type", wrong_type_once),
            )
            if wanted
        ]
        self._retry_after = retry_after
        self._status = status_once or 500
        self._done: set[tuple[str, str]] = set()
        self._daily_limit = daily_limit
        self._login_page = login_page
        self._repeat_page = repeat_page
        self._move_record = move_record
        self._scopes = None if scopes is None else set(scopes)
        self._shown = associations_shown

    def connection_json(self) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads here."""
        return json.dumps({"conn_type": "http", "host": self.base_url, "password": self.token})

    # what it knows

    def add(self, kind: str, number: int, at: datetime, **properties: Any) -> None:
        """A record, created and last changed at this time; a deal's stage begins its history."""
        own = {name: str(value) for name, value in properties.items()}
        own |= {"hs_object_id": str(number), "createdate": iso(at), MODIFIED[kind]: iso(at)}
        stages = [(own["dealstage"], at)] if "dealstage" in own else []
        self.records[kind][number] = {
            "id": number, "properties": own, "modified": at, "created": at, "archived": None, "stages": stages,
            "associations": {name: [] for name in MODIFIED},
        }  # fmt: skip

    def change(self, kind: str, number: int, at: datetime, **properties: Any) -> None:
        """New values; a deal's new stage goes into its history."""
        record = self.records[kind][number]
        record["properties"] |= {name: str(value) for name, value in properties.items()} | {MODIFIED[kind]: iso(at)}
        record["modified"] = at
        if "dealstage" in properties:
            record["stages"].insert(0, (properties["dealstage"], at))

    def archive(self, kind: str, number: int, at: datetime) -> None:
        self.records[kind][number]["archived"] = at

    def merge(self, kind: str, survivor: int, gone: int, at: datetime) -> None:
        """One record taken up by another: it is neither live nor archived from then on."""
        del self.records[kind][gone]
        known = self.records[kind][survivor]["properties"].get("hs_merged_object_ids")
        self.change(kind, survivor, at, hs_merged_object_ids=f"{known};{gone}" if known else str(gone))

    def associate(self, kind: str, number: int, to: str, other: int, *types: str) -> None:
        """An association with its types, by default the primary one and the one without a label."""
        plain = f"{SINGULAR[kind]}_to_{SINGULAR[to]}"
        for type_ in types or (f"{plain}_unlabeled", plain):
            self.records[kind][number]["associations"][to].append({"id": str(other), "type": type_})

    def fill(self, companies: int = 110, contacts: int = 250, deals: int = 130) -> None:
        """A portal in which everything occurs that the connector tells apart."""
        for n in range(1, companies + 1):
            at = EPOCH + timedelta(minutes=n)
            self.add("companies", n, at, name=f"海河科技{n}", domain=f"c{n}.example", numberofemployees=n * 10,
                     annualrevenue=f"{n}000000.5", region_code=f"R{n % 3}")  # fmt: skip
        for n in range(1, contacts + 1):
            at = EPOCH + timedelta(minutes=n)
            self.add("contacts", n, at, email=f"p{n}@c.example", firstname="三", lastname="张", lifecyclestage="lead")
            if n % 5:
                self.associate("contacts", n, "companies", n % companies + 1)
        for n in range(1, deals + 1):
            at = EPOCH + timedelta(minutes=n)
            self.add("deals", n, at, dealname=f"项目{n}", amount=n * 100, dealstage="appointmentscheduled",
                     deal_currency_code="CNY", hs_is_closed="false", hs_deal_stage_probability="0.2")  # fmt: skip
            self.associate("deals", n, "companies", n % companies + 1)
            self.associate("deals", n, "contacts", n)
            if n % 3 == 0:
                self.change("deals", n, at + timedelta(days=1), dealstage="closedwon", hs_is_closed="true")
        self.associate("deals", 1, "contacts", 2, "deal_to_contact_unlabeled", "decision_maker")
        for kind in MODIFIED:
            self.merge(kind, 3, 4, EPOCH + timedelta(days=3))
            self.archive(kind, 7, EPOCH + timedelta(days=4))

    # how it answers

    async def _handle(self, path: str, request: Request) -> Response:
        endpoint = "/" + path
        self.calls[endpoint] += 1
        headers = {"date": format_datetime(self.now, usegmt=True), "content-type": "application/json;charset=utf-8"}
        if self._login_page:
            return HTMLResponse(f"<html><body><h1>Sign in</h1><p>{request.headers}</p></body></html>")
        try:
            fault = self._fault(endpoint)
            raw = await request.body()
            answer = self._answer(endpoint, request, json.loads(raw) if raw else None)
            status = 200
        except Refusal as refusal:
            fault, answer, status = None, refusal.body, refusal.status
            if status == 429 and self._retry_after is not None:
                headers["retry-after"] = self._retry_after
        body = json.dumps(answer, ensure_ascii=False).encode()
        if fault == "status":
            return HTMLResponse("<html><body>Bad gateway</body></html>", status_code=self._status)
        if fault == "cut":
            headers["content-length"] = str(len(body))
            body = body[: len(body) // 2]
        if fault == "type":
            headers["content-type"] = "text/plain"
        return Response(body, status_code=status, headers=headers)

    def _fault(self, endpoint: str) -> str | None:
        """The fault of this call: each once for every endpoint, from its second call on."""
        if self._daily_limit:
            raise self._limit("DAILY")
        left = [kind for kind in self._faults if (endpoint, kind) not in self._done]
        if not left or self.calls[endpoint] < 2:
            return None
        self._done.add((endpoint, left[0]))
        if left[0] == "rate":
            raise self._limit("TEN_SECONDLY_ROLLING")
        return left[0]

    @staticmethod
    def _limit(policy: str) -> Refusal:
        message = f"You have reached your {policy.lower()} limit."
        return Refusal(429, "RATE_LIMITS", message, errorType="RATE_LIMIT", policyName=policy)

    def _answer(self, endpoint: str, request: Request, body: Any) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise Refusal(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
        if len(request.url.query) > LONGEST_QUERY:
            raise Refusal(414, "URI_TOO_LONG", "URI too long")
        query = dict(request.query_params)
        match request.method, endpoint.strip("/").split("/"):
            case "GET", ["crm", "v3", "objects", kind] if kind in MODIFIED:
                self._check_scope(kind)
                return self._list(kind, query)
            case "POST", ["crm", "v3", "objects", kind, "search"] if kind in MODIFIED:
                self._check_scope(kind)
                return self._search(kind, body)
            case "POST", ["crm", "v3", "objects", kind, "batch", "read"] if kind in MODIFIED:
                self._check_scope(kind)
                return self._batch(kind, query, body)
            case "GET", ["crm", "v3", "objects", kind, number, "associations", to] if kind in MODIFIED:
                entries = self.records[kind][int(number)]["associations"][to]
                limit, after = int(query.get("limit", 500)), int(query.get("after", 0))
                return self._paged(entries[after : after + limit], after + limit, len(entries))
            case "GET", ["crm", "v3", "properties", kind] if kind in MODIFIED:
                if self._scopes is not None and "crm.schemas.read" not in self._scopes:
                    raise Refusal(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.")
                names = {name for one in self.records[kind].values() for name in one["properties"]} | self.declared[
                    kind
                ]
                return {"results": [{"name": name, "type": "string"} for name in sorted(names)]}
            case "POST", ["crm", "v3", "associations", kind, to, "batch", "read"] if kind in MODIFIED:
                self._check_scope(kind)
                return self._associations(kind, to, body)
        raise Refusal(404, "OBJECT_NOT_FOUND", f"no such endpoint for {request.method}")

    def _check_scope(self, kind: str) -> None:
        scope = f"crm.objects.{kind}.read"
        if self._scopes is not None and scope not in self._scopes:
            errors = [{"message": "One or more of the following scopes are required.",
                       "context": {"requiredGranularScopes": [scope]}}]  # fmt: skip
            raise Refusal(403, "MISSING_SCOPES", "This app hasn't been granted all required scopes.", errors=errors)

    def _list(self, kind: str, query: Mapping[str, str]) -> Answer:
        known = {"limit", "after", "properties", "propertiesWithHistory", "associations", "archived"}
        if set(query) - known:
            raise Refusal(400, "VALIDATION_ERROR", f"unknown parameter {sorted(set(query) - known)}")
        history = [name for name in query.get("propertiesWithHistory", "").split(",") if name]
        limit, most = int(query.get("limit", 10)), HISTORY_LIMIT if history else LIST_LIMIT
        if not 1 <= limit <= most:
            raise Refusal(400, "VALIDATION_ERROR", f"limit must be at most {most}")
        is_archived = query.get("archived", "false") == "true"
        records = [one for _, one in sorted(self.records[kind].items()) if bool(one["archived"]) == is_archived]
        after = int(query.get("after", 0))
        begin = next((place for place, one in enumerate(records) if one["id"] >= after), len(records))
        page = records[begin : begin + limit]
        following = records[begin + limit]["id"] if begin + limit < len(records) else None
        if self._repeat_page and begin and ("list", kind + str(is_archived)) not in self._done:
            self._done.add(("list", kind + str(is_archived)))
            page, following = records[max(begin - limit, 0) : begin], after
        if self._move_record and following is None and records:
            page = [*page, records[0]]
        asked = [name for name in query.get("properties", "").split(",") if name]
        to = [name for name in query.get("associations", "").split(",") if name]
        answer: Answer = {"results": [self._shape(kind, one, asked, history, to) for one in page]}
        if following is not None:
            answer["paging"] = {"next": {"after": str(following), "link": "https://api.example/next"}}
        return answer

    def _search(self, kind: str, body: Any) -> Answer:
        self.searched.append(body)
        if set(body) - {"filterGroups", "sorts", "properties", "limit", "after"}:
            raise Refusal(400, "VALIDATION_ERROR", f"unknown keys in {sorted(body)}")
        limit, after = body.get("limit", 10), int(body.get("after", 0))
        if not 1 <= limit <= SEARCH_LIMIT:
            raise Refusal(400, "VALIDATION_ERROR", f"limit must be at most {SEARCH_LIMIT}")
        if after + limit > SEARCH_CAP:
            raise Refusal(400, "VALIDATION_ERROR", "The total number of results is capped at 10,000")
        records = [one for one in self.records[kind].values() if not one["archived"]]
        for condition in [one for group in body["filterGroups"] for one in group["filters"]]:
            records = self._filtered(kind, records, condition)
        for sort in body.get("sorts", []):
            if sort != {"propertyName": "hs_object_id", "direction": "ASCENDING"}:
                raise Refusal(400, "VALIDATION_ERROR", f"cannot sort by {sort}")
            records.sort(key=lambda one: one["id"])
        page = records[after : after + limit]
        if self._repeat_page and len(self.searched) > 1 and ("search", kind) not in self._done and page:
            self._done.add(("search", kind))
            first = page[0]["id"]
            page = [one for _, one in sorted(self.records[kind].items()) if one["id"] < first][-limit:] or page
        answer = self._paged([self._shape(kind, one, body.get("properties", []), [], []) for one in page],
                             after + limit, len(records))  # fmt: skip
        return {"total": len(records), **answer}

    @staticmethod
    def _filtered(kind: str, records: list[Answer], condition: Mapping[str, str]) -> list[Answer]:
        name, operator, value = condition["propertyName"], condition["operator"], int(condition["value"])
        if name not in ("hs_object_id", MODIFIED[kind]) or operator not in ("GT", "GTE", "LT", "LTE"):
            raise Refusal(400, "VALIDATION_ERROR", f"cannot filter {name} by {operator}")
        if name == "hs_object_id":
            numbers = [one["id"] for one in records]
        else:
            numbers = [int(one["modified"].timestamp() * 1000) for one in records]
        keep = {"GT": value.__lt__, "GTE": value.__le__, "LT": value.__gt__, "LTE": value.__ge__}[operator]
        return [one for one, number in zip(records, numbers, strict=True) if keep(number)]

    def _batch(self, kind: str, query: Mapping[str, str], body: Any) -> Answer:
        history = body.get("propertiesWithHistory", [])
        most = HISTORY_LIMIT if history else BATCH_LIMIT
        if not 1 <= len(body["inputs"]) <= most:
            raise Refusal(400, "VALIDATION_ERROR", f"at most {most} inputs")
        found = [self.records[kind].get(int(one["id"])) for one in body["inputs"]]
        is_archived = query.get("archived") == "true"
        kept = [one for one in found if one and bool(one["archived"]) == is_archived]
        results = [self._shape(kind, one, body.get("properties", []), history, []) for one in kept]
        return {"status": "COMPLETE", "results": results}

    def _associations(self, kind: str, to: str, body: Any) -> Answer:
        if not 1 <= len(body["inputs"]) <= BATCH_LIMIT:
            raise Refusal(400, "VALIDATION_ERROR", f"at most {BATCH_LIMIT} inputs")
        results = []
        for one in body["inputs"]:
            entries = self.records[kind][int(one["id"])]["associations"][to]
            if entries:
                block = self._paged(entries[: self._shown], self._shown, len(entries))
                results.append({"from": {"id": one["id"]}, "to": block.pop("results"), **block})
        return {"status": "COMPLETE", "results": results}

    @staticmethod
    def _paged(results: list[Any], following: int, total: int) -> Answer:
        more = {"paging": {"next": {"after": str(following)}}} if following < total else {}
        return {"results": results, **more}

    def _shape(self, kind: str, record: Answer, asked: list[str], history: list[str], to: list[str]) -> Answer:
        """A record as the API shows it: the properties that were asked for, null when they are empty."""
        names = ["hs_object_id", "createdate", MODIFIED[kind], *(asked or ALWAYS[kind])]
        answer = {
            "id": str(record["id"]),
            "properties": {name: record["properties"].get(name) for name in names},
            "createdAt": iso(record["created"]),
            "updatedAt": iso(record["modified"]),
            "archived": bool(record["archived"]),
        }
        if record["archived"]:
            answer["archivedAt"] = iso(record["archived"])
        if history:
            stages = [{"value": stage, "timestamp": iso(at), "sourceType": "CRM_UI"} for stage, at in record["stages"]]
            answer["propertiesWithHistory"] = {"dealstage": stages}
        blocks = {name: record["associations"][name] for name in to if record["associations"][name]}
        if blocks:
            answer["associations"] = {
                name: self._paged(entries[: self._shown], self._shown, len(entries)) for name, entries in blocks.items()
            }
        return answer
