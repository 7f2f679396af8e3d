"""A strict stand-in for the Salesforce REST API, with faults on request.

    with SalesforceStandin(rate_limit_once=True) as salesforce:
        monkeypatch.setenv("AIRFLOW_CONN_SALESFORCE_MAIN", salesforce.connection_json())

It holds what `add`, `change`, `delete` and `merge` put there, evaluates the queries that it is sent, and refuses what
the API refuses.
"""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from tests.standins.server import LoopbackServer

Record = dict[str, Any]
Test = Callable[[Record], bool]

EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
LONGEST_REQUEST, OPEN_LOCATORS = 16_384, 10
PREFIXES = {
    "Account": "001", "Contact": "003", "Lead": "00Q", "Opportunity": "006", "OpportunityHistory": "008",
    "OpportunityContactRole": "00K", "Task": "00T", "Event": "00U", "Case": "500", "Campaign": "701",
    "CampaignMember": "00v", "Product2": "01t", "LeadHistory": "017", "ContactHistory": "037",
}  # fmt: skip
SYSTEM = {"Id": "id", "IsDeleted": "boolean", "CreatedDate": "datetime", "SystemModstamp": "datetime"}
HISTORY = {"Id": "id", "IsDeleted": "boolean", "CreatedDate": "datetime", "Field": "picklist", "OldValue": "anyType",
           "NewValue": "anyType"}  # fmt: skip
MERGEABLE = ("Account", "Contact", "Lead", "Case")
TOKENS = re.compile(r"\s*(>=|<=|!=|[=<>(),]|'(?:[^'\\]|\\.)*'|[A-Za-z0-9_.:+\-]+)")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:?\d\d)")


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Any = [{"message": message, "errorCode": code}]


@dataclass
class Cursor:
    """A query that goes on: whose session it is, what is left of it, and where the next page begins."""

    token: str
    sobject: str
    fields: list[str]
    ids: list[str]
    offset: int
    size: int


def iso(at: datetime) -> str:
    """A time as Salesforce writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def key_of(sobject: str, number: int) -> str:
    """The id of the number-th record of an object."""
    return f"{PREFIXES[sobject]}0x{number:010d}AAA"


class SalesforceStandin(LoopbackServer):
    """The server; a context manager that listens on a free port of this machine while it is open.

    Args:
        now: the time in its `Date` header.
        page_rows: records on a page, however many are asked for.
        unreadable: objects that the user may not read.
        unqueryable: objects that are described, but refused in a query.
        rate_limit_once, status_once, cut_body_once, wrong_type_once: the second call of a kind (the first, where there
            is one only) gets 429 with Retry-After, this HTTP status, half of its body, or all of it as text/plain.
        expire_session: the session is over after the first page of each query of several pages, once.
        lose_locator: the second page of every query is refused with INVALID_QUERY_LOCATOR, this often.
        repeat_page: the second page of every query is the first one again, this often.
        move_record: of every query's first page, once, the `first` record changes when it was served and stands on the
            last page too, or the `last` one changes just before it is served, at its old place.
        daily_limit, concurrent_limit: every call, or the second one of a kind, gets REQUEST_LIMIT_EXCEEDED.
        login_page: every call gets a login page in HTML.

    Attributes:
        calls: how often each kind of call was made, refused ones included.
        queries: the SOQL texts.
        longest: bytes of the longest request.
    """

    date_header = False  # it writes its own

    client_id, secret = "consumer-key-7f3a", "consumer-secret-9b1c"

    def __init__(
        self,
        *,
        now: datetime = datetime(2026, 11, 20, 18, tzinfo=UTC),
        page_rows: int = 2000,
        unreadable: Iterable[str] = (),
        unqueryable: Iterable[str] = (),
        rate_limit_once: bool = False,
        retry_after: str = "0",
        status_once: int | None = None,
        cut_body_once: bool = False,
        wrong_type_once: bool = False,
        concurrent_limit_once: bool = False,
        expire_session: bool = False,
        lose_locator: int = 0,
        repeat_page: int = 0,
        move_record: str | None = None,
        daily_limit: bool = False,
        login_page: bool = False,
    ) -> None:
        self.now = now
        self.calls: Counter[str] = Counter()
        self.queries: list[str] = []
        self.longest = 0
        self.schema: dict[str, dict[str, str]] = {name: dict(SYSTEM) for name in PREFIXES}
        self.records: dict[str, dict[str, Record]] = {name: {} for name in PREFIXES}
        self.tokens = {self.token_of(0)}
        for name in MERGEABLE:
            self.schema[name]["MasterRecordId"] = "reference"
        self.schema["OpportunityHistory"]["OpportunityId"] = "reference"
        self.schema["LeadHistory"] = {**HISTORY, "LeadId": "reference"}
        self.schema["ContactHistory"] = {**HISTORY, "ContactId": "reference"}
        self._faults = [
            kind
            for kind, wanted in (
                ("rate", rate_limit_once),
                ("status", status_once is not None),
                ("cut", cut_body_once),
                ("type", wrong_type_once),
                ("concurrent", concurrent_limit_once),
            )
            if wanted
        ]
        self._page_rows = page_rows
        self._unreadable = set(unreadable)
        self._unqueryable = set(unqueryable)
        self._retry_after = retry_after
        self._status = status_once or 500
        self._expire = expire_session
        self._lose = lose_locator
        self._repeat = repeat_page
        self._move = move_record
        self._daily_limit = daily_limit
        self._login_page = login_page
        self._done: Counter[tuple[str, str]] = Counter()
        self._cursors: dict[str, Cursor] = {}
        self._order: deque[str] = deque()
        self._logins = 0

    @staticmethod
    def token_of(number: int) -> str:
        return f"00Dx!session-{number}-" + "q" * 90

    def connection_json(self, **parts: Any) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads here."""
        standard = {"conn_type": "http", "host": self.base_url, "login": self.client_id, "password": self.secret}
        return json.dumps({**standard, **parts})

    def token_json(self) -> str:
        """The same with a token that is in force."""
        return self.connection_json(login=None, password=self.token_of(0))

    # what it knows

    def describe(self, sobject: str, **fields: str) -> None:
        """More fields of an object, by type."""
        self.schema[sobject] |= fields

    def add(self, sobject: str, number: int, at: datetime, **fields: Any) -> str:
        """A record, created and last changed at this time; its fields exist from then on. Returns its id."""
        known = self.schema[sobject]
        for name, value in fields.items():
            known.setdefault(name, "boolean" if isinstance(value, bool) else "string")
        key = key_of(sobject, number)
        record = {"Id": key, "IsDeleted": False, "CreatedDate": iso(at), "SystemModstamp": iso(at)}
        self.records[sobject][key] = {name: value for name, value in {**record, **fields}.items() if name in known}
        return key

    def change(self, sobject: str, number: int, at: datetime, **fields: Any) -> None:
        """New values; a deal's change goes into its history."""
        record = self.records[sobject][key_of(sobject, number)]
        record |= {**fields, "SystemModstamp": iso(at)}
        if sobject == "Opportunity":
            self._remember(record, at)

    def delete(self, sobject: str, number: int, at: datetime) -> None:
        """Into the recycle bin."""
        self.change(sobject, number, at, IsDeleted=True)

    def merge(self, sobject: str, survivor: int, gone: int, at: datetime) -> None:
        """One record taken up by another."""
        self.change(sobject, gone, at, IsDeleted=True, MasterRecordId=key_of(sobject, survivor))
        self.change(sobject, survivor, at)

    def _remember(self, deal: Record, at: datetime) -> None:
        number = len(self.records["OpportunityHistory"]) + 1
        history = {name: deal.get(name) for name in ("StageName", "Amount")}
        self.add("OpportunityHistory", number, at, OpportunityId=deal["Id"], **history)

    def add_deal(self, number: int, at: datetime, **fields: Any) -> str:
        """An opportunity with the first row of its history."""
        key = self.add("Opportunity", number, at, **fields)
        self._remember(self.records["Opportunity"][key], at)
        return key

    def fill(self, size: int = 20) -> None:
        """An org in which everything occurs that the connector tells apart."""
        self.describe("Account", IsPersonAccount="boolean", BillingAddress="address")
        self.describe("Contact", IsPersonAccount="boolean")
        for n in range(1, size + 1):
            at = EPOCH + timedelta(minutes=n)
            account = self.add(
                "Account", n, at, Name=f"海河科技{n}", Website=f"https://c{n}.example", NumberOfEmployees=n * 10,
                AnnualRevenue=n * 1_000_000.5, CurrencyIsoCode="CNY", Type="Customer", Region__c=f"R{n % 3}",
                Interests__c="a;b", IsPersonAccount=n == 9,
            )  # fmt: skip
            contact = self.add(
                "Contact", n, at, FirstName="三", LastName="张", Email=f"p{n}@c.example", Title="采购总监",
                AccountId=account, IsPersonAccount=n == 9,
            )  # fmt: skip
            lead = self.add(
                "Lead", n, at, FirstName="Ada", LastName="Byron", Company=f"C{n}", Status="Open",
                IsConverted=n % 4 == 0, ConvertedContactId=contact if n % 4 == 0 else None, ConvertedOpportunityId=None,
            )  # fmt: skip
            deal = self.add_deal(
                n, at, Name=f"项目{n}", AccountId=account, Amount=n * 100.0, StageName="Qualification", IsWon=False,
                IsClosed=False, CloseDate="2026-12-31", Probability=20.0, ForecastCategory="Pipeline",
            )  # fmt: skip
            self.change("Opportunity", n, at + timedelta(hours=1), Amount=n * 110.0)
            if n % 3 == 0:
                won = {"StageName": "Closed Won", "IsWon": True, "IsClosed": True}
                self.change("Opportunity", n, at + timedelta(days=1), **won)
            self.add("OpportunityContactRole", n, at, OpportunityId=deal, ContactId=contact, Role="Decision Maker",
                     IsPrimary=True)  # fmt: skip
            self.add(
                "Task", n, at, Subject=f"致电 p{n}@c.example", Type=None, TaskSubtype="Call", CallType="Outbound",
                CallDurationInSeconds=90, Status="Completed", IsClosed=n != 2, IsRecurrence=False,
                ActivityDate="2026-11-05", CompletedDateTime=iso(at), AccountId=account,
                WhoId=lead if n % 2 else contact, WhatId=deal,
            )  # fmt: skip
            self.add(
                "Event", n, at, Subject="拜访", EventSubtype="Event", DurationInMinutes=45, StartDateTime=iso(at),
                AccountId=account, WhoId=contact, WhatId=account, IsRecurrence=False, IsChild=n == 3,
            )  # fmt: skip
            self.add("Case", n, at, AccountId=account, ContactId=contact, Type="Problem", Priority="High",
                     Status="Closed", ClosedDate=iso(at + timedelta(days=1)), Origin="Web")  # fmt: skip
            campaign = self.add("Campaign", n, at, Name=f"展会{n}", Type="Event", StartDate="2026-11-02",
                                EndDate="2026-11-03", BudgetedCost=1000.0, IsActive=True)  # fmt: skip
            self.add("CampaignMember", n, at, CampaignId=campaign, ContactId=contact, LeadId=None, Status="Responded",
                     FirstRespondedDate="2026-11-04")  # fmt: skip
            self.add("Product2", n, at, Name=f"产品{n}", Family="软件", ProductCode=f"P{n}", IsActive=True)
            self.add("LeadHistory", n, at, LeadId=lead, Field="Status", OldValue="New", NewValue="Open")
            self.add("LeadHistory", size + n, at, LeadId=lead, Field="Owner", OldValue="a", NewValue="b")
        for sobject in ("Account", "Contact", "Lead"):
            self.merge(sobject, 5, 6, EPOCH + timedelta(days=3))
            self.delete(sobject, 7, EPOCH + timedelta(days=4))
        self.delete("Task", 8, EPOCH + timedelta(days=4))

    # how it answers

    async def _handle(self, path: str, request: Request) -> Response:
        headers = {"date": format_datetime(self.now, usegmt=True), "content-type": "application/json;charset=UTF-8"}
        if self._login_page:
            self.calls["login page"] += 1
            return HTMLResponse(f"<html><body><h1>Log in to Salesforce</h1><p>{request.headers}</p></body></html>")
        fault = None
        try:
            answer, fault = self._answer("/" + path, request, (await request.body()).decode()), self._fault_of_call
            status = 200
        except Refusal as refusal:
            answer, status = refusal.body, refusal.status
            if status == 429:
                headers["retry-after"] = self._retry_after
        body = json.dumps(answer, ensure_ascii=False).encode()
        if fault == "status":
            return HTMLResponse("<html><body>Down for maintenance</body></html>", status_code=self._status)
        if fault == "cut":
            headers["content-length"] = str(len(body))
            body = body[: len(body) // 2]
        if fault == "type":
            headers["content-type"] = "text/html"
        return Response(body, status_code=status, headers=headers)

    def _count(self, kind: str, first: int) -> None:
        """Counts a call and decides on its fault: each once for every kind of call, from its first-th call on."""
        self.calls[kind] += 1
        self._fault_of_call: str | None = None
        if self._daily_limit:
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        # the login is no call of the API: it counts towards no limit
        faults = [fault for fault in self._faults if (kind, fault) != ("token", "concurrent")]
        left = [fault for fault in faults if not self._done[kind, fault]]
        if not left or self.calls[kind] < first:
            return
        self._done[kind, left[0]] += 1
        if left[0] == "rate":
            raise Refusal(429, "TOO_MANY_REQUESTS", "Too many requests.")
        if left[0] == "concurrent":
            message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
            raise Refusal(403, "REQUEST_LIMIT_EXCEEDED", message)
        self._fault_of_call = left[0]

    def _answer(self, path: str, request: Request, body: str) -> Any:
        size = len(str(request.url)) + sum(len(key) + len(value) + 4 for key, value in request.headers.raw)
        self.longest = max(self.longest, size)
        if size > LONGEST_REQUEST:
            raise Refusal(414, "URI_TOO_LONG", "URI Too Long")
        if (request.method, path) == ("POST", "/services/oauth2/token"):
            self._count("token", 1)
            return self._log_in(request, body)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        match request.method, path.removeprefix("/services/data/v65.0/").split("/"):
            case "GET", ["sobjects", sobject, "describe"]:
                self._count(f"describe {sobject}", 1)
                self._check(token)
                return self._described(sobject)
            case "GET", ["queryAll"]:
                soql = dict(request.query_params).get("q", "")
                self.queries.append(soql)
                named = re.search(r" FROM (\w+)", soql)
                self._count(f"queryAll {named[1] if named else ''}", 2)
                self._check(token)
                return self._query(soql, token, self._batch_size(request))
            case "GET", ["query" | "queryAll", locator]:
                cursor = self._cursors.get(locator.partition("-")[0])
                self._count(f"page {cursor.sobject if cursor else ''}", 2)
                self._check(token)
                return self._next(locator, token)
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")

    def _log_in(self, request: Request, body: str) -> Any:
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            form = {}
        known = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
        if form != known:
            refusal = Refusal(400, "", "")
            refusal.body = {"error": "invalid_client", "error_description": "invalid client credentials"}
            raise refusal
        if self._fault_of_call is None:
            self._logins += 1
            self.tokens.add(self.token_of(self._logins))
        return {"access_token": self.token_of(self._logins), "instance_url": self.base_url, "token_type": "Bearer"}

    def _check(self, token: str) -> None:
        if token not in self.tokens:
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")

    @staticmethod
    def _batch_size(request: Request) -> int:
        found = re.fullmatch(r"batchSize=(\d+)", request.headers.get("sforce-query-options", "batchSize=2000"))
        if not found or not 200 <= int(found[1]) <= 2000:
            raise Refusal(400, "INVALID_QUERY_OPTIONS", "batchSize must be 200 to 2000")
        return int(found[1])

    def _known(self, sobject: str) -> bool:
        return sobject in self.schema and sobject not in self._unreadable

    def _described(self, sobject: str) -> Any:
        if not self._known(sobject):
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        fields = [{"name": name, "type": type_, "filterable": True} for name, type_ in self.schema[sobject].items()]
        return {"name": sobject, "queryable": True, "keyPrefix": PREFIXES[sobject], "fields": fields}

    def _query(self, soql: str, token: str, batch: int) -> Any:
        match = re.fullmatch(r"SELECT ([\w.,]+) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY ([\w.,]+))?", soql)
        if not match:
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token in: {soql[:40]}")
        fields, sobject, where, order = match[1].split(","), match[2], match[3], (match[4] or "Id").split(",")
        if not self._known(sobject) or sobject in self._unqueryable:
            raise Refusal(400, "INVALID_TYPE", f"sObject type '{sobject}' is not supported.")
        if len(fields) != len(set(fields)):
            raise Refusal(400, "MALFORMED_QUERY", "duplicate field selected")
        for name in (*fields, *order):
            self._check_field(sobject, name)
        test = Condition(where, lambda record, name: self._value(sobject, record, name)).test if where else None
        found = [record for record in self.records[sobject].values() if test is None or test(record)]
        found.sort(key=lambda record: [str(self._value(sobject, record, name)) for name in order])
        ids = [record["Id"] for record in found]
        cursor = Cursor(token, sobject, fields, ids, 0, min(batch, self._page_rows))
        return self._served(f"01g{len(self.queries):012d}", cursor, 0)

    def _check_field(self, sobject: str, name: str) -> None:
        parent, _, own = name.rpartition(".")
        if parent and f"{parent}Id" in self.schema[sobject]:
            sobject = parent
        elif parent:
            raise Refusal(400, "INVALID_FIELD", f"Didn't understand relationship '{parent}'")
        if own not in self.schema[sobject]:
            raise Refusal(400, "INVALID_FIELD", f"No such column '{own}' on entity '{sobject}'.")

    def _value(self, sobject: str, record: Record, name: str) -> Any:
        self._check_field(sobject, name)
        parent, _, own = name.rpartition(".")
        return (self.records[parent].get(record[f"{parent}Id"], {}) if parent else record).get(own)

    def _next(self, locator: str, token: str) -> Any:
        name, _, offset = locator.partition("-")
        cursor = self._cursors.get(name)
        lost = cursor is not None and self._done[cursor.sobject, "lost"] < self._lose
        if cursor is None or int(offset) not in (cursor.offset, cursor.offset - cursor.size) or lost:
            if cursor:
                self._done[cursor.sobject, "lost"] += 1
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if cursor.token != token or (self._expire and not self._done[cursor.sobject, "expired"]):
            self._done[cursor.sobject, "expired"] += 1
            self.tokens.discard(cursor.token)
            # a locator that another session began is refused as if this one were over
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self._done[cursor.sobject, "repeated"] < self._repeat:
            self._done[cursor.sobject, "repeated"] += 1
            return self._served(name, cursor, 0)
        return self._served(name, cursor, int(offset))

    def _served(self, name: str, cursor: Cursor, offset: int) -> Any:
        ids = cursor.ids[offset : offset + cursor.size]
        cursor.offset = offset + cursor.size
        moves = self._move if cursor.offset < len(cursor.ids) and not self._done[cursor.sobject, "moved"] else None
        self._done[cursor.sobject, "moved"] += bool(moves)
        changed = iso(self.now + timedelta(minutes=1))
        if moves == "last":
            self.records[cursor.sobject][ids[-1]]["SystemModstamp"] = changed
        rows = [self._shape(cursor, self.records[cursor.sobject][one]) for one in ids]
        answer = {"totalSize": len(cursor.ids), "done": cursor.offset >= len(cursor.ids), "records": rows}
        if not answer["done"]:
            self._cursors[name] = cursor
            if name not in self._order:
                self._order.append(name)
            while len(self._order) > OPEN_LOCATORS:
                del self._cursors[self._order.popleft()]
            answer["nextRecordsUrl"] = f"/services/data/v65.0/query/{name}-{cursor.offset}"
        elif name in self._order:
            self._order.remove(name)
            del self._cursors[name]
        if moves == "first":
            self.records[cursor.sobject][ids[0]]["SystemModstamp"] = changed
            cursor.ids.append(ids[0])
        return answer

    def _shape(self, cursor: Cursor, record: Record) -> Record:
        url = f"/services/data/v65.0/sobjects/{cursor.sobject}/{record['Id']}"
        answer: Record = {"attributes": {"type": cursor.sobject, "url": url}}
        for name in cursor.fields:
            parent, _, own = name.rpartition(".")
            value = self._value(cursor.sobject, record, name)
            if parent:
                answer.setdefault(parent, {"attributes": {"type": parent}})[own] = value
            else:
                answer[name] = value
        return answer


class Condition:
    """A WHERE clause: comparisons, IN, AND, OR and brackets."""

    def __init__(self, text: str, value: Callable[[Record, str], Any]) -> None:
        self._tokens = TOKENS.findall(text)
        if "".join(self._tokens) != re.sub(r"\s", "", text):
            raise Refusal(400, "MALFORMED_QUERY", "unexpected token")
        self._value = value
        self.test = self._any()
        if self._tokens:
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {self._tokens[0]}")

    def _take(self, expected: str | None = None) -> str:
        if not self._tokens or expected not in (None, self._tokens[0]):
            raise Refusal(400, "MALFORMED_QUERY", f"expecting {expected}")
        return str(self._tokens.pop(0))

    def _any(self) -> Test:
        tests = [self._all()]
        while self._tokens[:1] == ["OR"]:
            self._take()
            tests.append(self._all())
        return lambda record: any(test(record) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._tokens[:1] == ["AND"]:
            self._take()
            tests.append(self._one())
        return lambda record: all(test(record) for test in tests)

    def _one(self) -> Test:
        if self._tokens[:1] == ["("]:
            self._take()
            inner = self._any()
            self._take(")")
            return inner
        name, operator = self._take(), self._take()
        if operator == "IN":
            self._take("(")
            values = [self._literal(name)]
            while self._tokens[:1] == [","]:
                self._take()
                values.append(self._literal(name))
            self._take(")")
            return lambda record: self._value(record, name) in values
        compare: Mapping[str, Callable[[Any, Any], bool]] = {
            "=": lambda a, b: a == b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b,
        }  # fmt: skip
        if operator not in compare:
            raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {operator}")
        value = self._literal(name)
        return lambda record: compare[operator](self._value(record, name), value)

    def _literal(self, name: str) -> Any:
        token = self._take()
        if token.startswith("'"):
            if name.endswith(("Date", "Modstamp")):
                raise Refusal(
                    400, "INVALID_FIELD", f"value of filter criterion for field '{name}' must be of type dateTime"
                )
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token in ("true", "false"):
            return token == "true"
        if TIME.fullmatch(token):
            return iso(datetime.fromisoformat(token))
        raise Refusal(400, "MALFORMED_QUERY", f"unexpected token: {token}")
