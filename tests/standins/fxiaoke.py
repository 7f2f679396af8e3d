"""A strict stand-in for the OpenAPI of 纷享销客, with faults on request.

    with FxiaokeStandin(expire_token_once=True) as fxiaoke:
        monkeypatch.setenv("AIRFLOW_CONN_FXIAOKE_MAIN", fxiaoke.connection_json())

It holds what `add`, `change` and `invalidate` put there, leaves empty fields out, answers errors with HTTP 200, and
refuses what the API refuses.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from tests.standins.server import LoopbackServer

Answer = dict[str, Any]

OAUTH_TOKEN = "/oauth2.0/token"
CORP_TOKEN = "/cgi/corpAccessToken/get/V2"
OBJECTS = "/cgi/crm/v2/object/list"
DESCRIBE = "/cgi/crm/v2/object/describe"
QUERY = "/cgi/crm/v2/data/query"
CUSTOM_QUERY = "/cgi/crm/custom/v2/data/query"
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
LIMIT, LAST_OFFSET = 100, 10_000
TOKENS_A_MINUTE = 10

TOKEN_KEYS = {"appId", "appSecret", "permanentCode"}
OLD_AUTH = {"corpAccessToken", "corpId", "currentOpenUserId"}
QUERY_KEYS = {"dataObjectApiName", "find_explicit_total_num", "search_query_info"}
SEARCH_KEYS = {"limit", "offset", "filters", "orders"}

SYSTEM = {
    "name": "text", "owner": "employee", "created_by": "employee", "create_time": "date_time",
    "last_modified_time": "date_time", "life_status": "select_one", "is_deleted": "true_or_false", "version": "text",
}  # fmt: skip
SCHEMA: dict[str, dict[str, str]] = {
    "AccountObj": {"url": "url", "industry_level1": "select_one", "country": "country", "province": "province",
                   "city": "city", "address": "text", "deal_status": "select_one", "employee_number": "number",
                   "field_tags__c": "select_many", "field_level__c": "select_one"},
    "ContactObj": {"account_id": "object_reference", "mobile1": "phone_number", "tel1": "phone_number",
                   "email": "email", "job_title": "text", "department": "text"},
    "LeadsObj": {"company": "text", "mobile": "phone_number", "email": "email", "biz_status": "select_one",
                 "source": "select_one", "contact_id": "object_reference", "new_opportunity_id": "object_reference"},
    "NewOpportunityObj": {"account_id": "object_reference", "amount": "currency", "sales_stage": "select_one",
                          "sales_status": "select_one", "sales_process_id": "object_reference",
                          "probability": "percentile", "close_date": "date", "stg_changed_time": "date_time"},
    "OpportunityObj": {"account_id": "object_reference", "expected_deal_amount": "currency", "status": "select_one"},
    "NewOpportunityContactsObj": {"new_opportunity_id": "master_detail", "contact_id": "object_reference",
                                  "contact_role": "select_one"},
    "ActiveRecordObj": {"active_record_type": "select_one", "related_object_data": "group"},
    "ProductObj": {"price": "currency", "category": "select_one"},
    "CasesObj": {"account_id": "object_reference", "priority": "select_one", "case_status": "select_one",
                 "finish_time": "date_time"},
    "SalesOrderObj": {"account_id": "object_reference", "order_time": "date_time", "order_amount": "currency"},
    "MarketingEventObj": {"event_type": "select_one", "begin_time": "date_time", "expected_cost": "currency"},
    "CampaignMembersObj": {"marketing_event_id": "object_reference", "leads_id": "object_reference",
                           "campaign_members_status": "select_one"},
    "object_8Wc2b__c": {"deal__c": "object_reference", "stage__c": "select_one", "since__c": "date_time"},
}  # fmt: skip
OPTIONS: dict[str, dict[str, str]] = {
    "life_status": {"normal": "正常", "invalid": "作废"},
    "industry_level1": {"1": "制造业", "2": "互联网"},
    "deal_status": {"1": "未成交", "2": "已成交"},
    "field_tags__c": {"18": "重点", "19": "老客户"},
    "field_level__c": {"a": "A类", "b": "B类"},
    "biz_status": {"un_processed": "待跟进", "transformed": "已转化"},
    "source": {"1": "展会", "2": "官网"},
    "sales_stage": {"s1": "初步沟通", "s3": "商务谈判", "s5": "赢单"},
    "sales_status": {"1": "进行中", "2": "赢单", "3": "输单"},
    "status": {"1": "进行中", "2": "赢单"},
    "contact_role": {"r1": "决策人"},
    "active_record_type": {"1": "电话", "2": "拜访"},
    "category": {"c1": "软件"},
    "priority": {"p1": "高"},
    "case_status": {"new": "待处理", "done": "已完成"},
    "event_type": {"e1": "展会"},
    "campaign_members_status": {"signed": "已签到"},
    "stage__c": {"s1": "初步沟通", "s3": "商务谈判"},
}


class Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def ms(at: datetime) -> int:
    """A time as the API writes it."""
    return round(at.timestamp() * 1000)


class FxiaokeStandin(LoopbackServer):
    """The server; a context manager that listens on a free port of this machine while it is open.

    Args:
        now: the time in its `Date` header.
        objects: what the tenant has, all of SCHEMA by default.
        shows_invalid: whether plain queries hold records that were made invalid.
        calls_per_window, window_seconds, clock: how many calls of an endpoint are let through.
        rate_limit_once, busy_once, status_once, cut_body_once, wrong_type_once: for every object one query (from the
            second on), and one list and description, gets errorCode 30004 or 50009, this HTTP status, half of its body,
            or its whole answer as text/html.
        expire_token_once: one query gets 20016 in the middle of its pages, and the token is dead from then on.
        errors: endpoint -> errorCode that every call of it gets.
        login_page, redirects: every call gets a login page in HTML, or leads to another host.
        repeat_page: the second page of every object is the first one again, once.
        repeats_forever: every page after the first is the first one.
        move_record: the first record of every object stands on its last page too.

    Attributes:
        calls: how often each endpoint was called, refused calls included.
        refusals: errorCodes that were answered; expirations, faults and wrong calls.
        queries: the `data` of all queries.
        tokens: all tokens that were given.
    """

    date_header = False  # it writes its own

    app_id, secret, permanent_code = "FSAID_1a2b3c", "standin-secret-4d5e6f", "standin-code-7a8b9c"
    ea, corp_id, user_id = "standin88", "FSCID_0f1e2d", "1000"

    def __init__(
        self,
        *,
        now: datetime = datetime(2026, 11, 20, 18, tzinfo=UTC),
        objects: Iterable[str] = tuple(SCHEMA),
        shows_invalid: bool = False,
        calls_per_window: int = 100,
        window_seconds: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
        rate_limit_once: bool = False,
        busy_once: bool = False,
        status_once: int | None = None,
        cut_body_once: bool = False,
        expire_token_once: bool = False,
        wrong_type_once: bool = False,
        errors: Mapping[str, int] | None = None,
        login_page: bool = False,
        redirects: bool = False,
        repeat_page: bool = False,
        repeats_forever: bool = False,
        move_record: bool = False,
    ) -> None:
        self.now = now
        self.calls: Counter[str] = Counter()
        self.refusals: Counter[int] = Counter()
        self.queries: list[Answer] = []
        self.tokens: list[str] = []
        self.records: dict[str, dict[str, Answer]] = {name: {} for name in objects}
        self._shows_invalid = shows_invalid
        self._window, self._seconds, self._clock = calls_per_window, window_seconds, clock
        self._made: dict[str, deque[float]] = defaultdict(deque)
        self._traces: set[str] = set()
        self._faults = [
            kind
            for kind, wanted in (
                ("rate", rate_limit_once),
                ("busy", busy_once),
                ("status", status_once is not None),
                ("cut", cut_body_once),
                ("expire", expire_token_once),
                ("type", wrong_type_once),
            )
            if wanted
        ]
        self._met: Counter[tuple[str, str]] = Counter()
        self._done: set[tuple[str, str, str]] = set()
        self._status = status_once or 500
        self._errors = dict(errors or {})
        self._login_page, self._redirects = login_page, redirects
        self._repeat_page, self._repeats_forever, self._move_record = repeat_page, repeats_forever, move_record

    def connection_json(self, **extra: str) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads here."""
        own = {"permanent_code": self.permanent_code, "user_id": self.user_id, **extra}
        return json.dumps({"conn_type": "http", "host": self.base_url, "login": self.app_id, "password": self.secret,
                           "extra": own})  # fmt: skip

    # what it knows

    @staticmethod
    def id(number: int) -> str:
        """The `_id` of a record, 24 digits and letters."""
        return f"{number:024x}"

    def add(self, api_name: str, number: int, at: datetime, **fields: Any) -> None:
        """A record, created and last changed at this time."""
        record = {
            "_id": self.id(number), "name": f"{api_name}-{number}", "owner": ["1000"], "owner__r": {"name": "王销售"},
            "create_time": ms(at), "last_modified_time": ms(at), "life_status": "normal", "is_deleted": False,
            "version": "1", "object_describe_api_name": api_name,
        }  # fmt: skip
        self.records[api_name][record["_id"]] = {**record, **self._known(api_name, fields)}

    def change(self, api_name: str, number: int, at: datetime, **fields: Any) -> None:
        """New values; None empties a field."""
        self.records[api_name][self.id(number)] |= {**self._known(api_name, fields), "last_modified_time": ms(at)}

    def invalidate(self, api_name: str, number: int, at: datetime) -> None:
        """作废."""
        self.change(api_name, number, at, life_status="invalid", is_deleted=True)

    def fill(self, companies: int = 45, contacts: int = 55, deals: int = 24) -> None:
        """A tenant in which everything occurs that the connector tells apart."""
        for n in range(1, companies + 1):
            self.add("AccountObj", n, _minute(n), name=f"海河科技{n}", industry_level1=str(n % 2 + 1), province="265",
                     province__r="湖北省", employee_number=str(n * 10), deal_status="2",
                     field_level__c="a", field_tags__c=["18", "19"] if n % 2 else None)  # fmt: skip
        for n in range(1, contacts + 1):
            self.add("ContactObj", n, _minute(n), name=f"张{n}", mobile1=f"138{n:08d}", email=f"p{n}@c.example",
                     account_id=self.id(n % companies + 1) if n % 5 else None)  # fmt: skip
        for n in range(1, 22):
            self.add("LeadsObj", n, _minute(n), name=f"李{n}", company=f"长江{n}", source="1",
                     biz_status="transformed" if n == 3 else "un_processed",
                     contact_id=self.id(3) if n == 3 else None,
                     new_opportunity_id=self.id(3) if n == 3 else None)  # fmt: skip
        for n in range(1, deals + 1):
            won = n % 3 == 0
            self.add("NewOpportunityObj", n, _minute(n), name=f"项目{n}", amount=f"{n}00.50",
                     account_id=self.id(n % companies + 1), sales_stage="s5" if won else "s1",
                     sales_status="2" if won else "1", probability="100.0" if won else "20.0",
                     close_date=ms(EPOCH + timedelta(days=30)),
                     stg_changed_time=ms(_minute(n + 5)) if won else None)  # fmt: skip
            self.add("NewOpportunityContactsObj", n, _minute(n), new_opportunity_id=self.id(n), contact_id=self.id(n),
                     contact_role="r1" if won else None)  # fmt: skip
            related = [{"describe_api_name": "AccountObj", "id": self.id(n % companies + 1), "name": "海河"},
                       {"describe_api_name": "NewOpportunityObj", "id": self.id(n), "name": "项目"},
                       {"describe_api_name": "LeadsObj", "id": self.id(n), "name": "李"}]  # fmt: skip
            self.add("ActiveRecordObj", n, _minute(n), active_record_type="1" if n % 2 else None,
                     related_object_data=related)  # fmt: skip
            self.add("SalesOrderObj", n, _minute(n), account_id=self.id(n), order_time=ms(_minute(n)),
                     order_amount=f"{n}000")  # fmt: skip
        for n in range(1001, 1006):
            self.add("OpportunityObj", n, _minute(n), name=f"老商机{n}", expected_deal_amount="8000", status="2")
        for n in range(1, 13):
            self.add("CasesObj", n, _minute(n), account_id=self.id(n), priority="p1", case_status="done",
                     finish_time=ms(_minute(n + 60)))  # fmt: skip
            self.add("CampaignMembersObj", n, _minute(n), marketing_event_id=self.id(1), leads_id=self.id(n),
                     campaign_members_status="signed")  # fmt: skip
        self.add("ProductObj", 1, EPOCH, name="云平台", price="9800.00", category="c1")
        self.add("MarketingEventObj", 1, EPOCH, name="工博会", event_type="e1", begin_time=ms(EPOCH),
                 expected_cost="50000")  # fmt: skip
        for api_name in ("AccountObj", "NewOpportunityObj", "NewOpportunityContactsObj"):
            self.invalidate(api_name, 7, EPOCH + timedelta(days=4))

    def _known(self, api_name: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = {name for name in fields if name.removesuffix("__r") not in {**SYSTEM, **SCHEMA[api_name]}}
        assert not unknown, f"{api_name} has no {unknown}"
        return fields

    # how it answers

    async def _handle(self, path: str, request: Request) -> Response:
        endpoint = "/" + path
        self.calls[endpoint] += 1
        headers = {"date": format_datetime(self.now, usegmt=True), "content-type": "application/json;charset=UTF-8"}
        if self._login_page:
            return HTMLResponse(f"<html><body><h1>Sign in</h1><p>{request.headers}</p></body></html>")
        if self._redirects:
            return RedirectResponse("https://www.elsewhere.example/home.html", status_code=302)
        fault = None
        try:
            body = self._checked(endpoint, request, await request.body())
            fault = self._fault(endpoint, body)
            answer = {**self._answer(endpoint, body), "errorCode": 0, "errorMessage": "OK"}
        except Refusal as refusal:
            self.refusals[refusal.code] += 1
            answer = {"errorCode": refusal.code, "errorMessage": str(refusal), "errorDescription": str(refusal)}
        raw = json.dumps({"traceId": "E-O.standin-1", **answer}, ensure_ascii=False).encode()
        if fault == "status":
            return HTMLResponse("<html><body>Bad gateway</body></html>", status_code=self._status)
        if fault == "cut":
            headers["content-length"] = str(len(raw))
            raw = raw[: len(raw) // 2]
        if fault == "type":
            headers["content-type"] = "text/html"
        return Response(raw, headers=headers)

    def _checked(self, endpoint: str, request: Request, raw: bytes) -> Answer:
        """The body, when method, trace, pace and credentials are right."""
        known = {OAUTH_TOKEN, CORP_TOKEN, OBJECTS, DESCRIBE, QUERY, CUSTOM_QUERY}
        if endpoint not in known or request.method != "POST":
            raise Refusal(15002, f"no such endpoint for {request.method}")
        trace = request.query_params.get("thirdTraceId", "")
        try:
            is_fresh = UUID(trace).version == 4 and trace not in self._traces
        except ValueError:
            is_fresh = False
        if not is_fresh or set(request.query_params) != {"thirdTraceId"}:
            raise Refusal(15002, "thirdTraceId must be a UUID of version 4, another one for every call")
        self._traces.add(trace)
        is_token = endpoint in (OAUTH_TOKEN, CORP_TOKEN)
        self._count(endpoint, TOKENS_A_MINUTE if is_token else self._window, 60.0 if is_token else self._seconds)
        if request.headers.get("content-type") != "application/json":
            raise Refusal(12004, "application/json is wanted")
        body = dict(json.loads(raw))
        if not is_token:
            self._check_auth(request.headers, body)
        if endpoint in self._errors:
            raise Refusal(self._errors[endpoint], f"as told, for {self.secret}")
        return body

    def _count(self, endpoint: str, calls: int, seconds: float) -> None:
        made, now = self._made[endpoint], self._clock()
        while made and made[0] <= now - seconds:
            made.popleft()
        if len(made) >= calls:
            raise Refusal(30004, "秒频次超限")
        made.append(now)

    def _check_auth(self, headers: Mapping[str, str], body: Answer) -> None:
        given = headers.get("authorization")
        old = {key: body.pop(key) for key in OLD_AUTH & set(body)}
        if given is None and "corpAccessToken" not in old:
            raise Refusal(20017, "corpAccessToken为必填项，不能为空")
        if given is not None:
            is_right = not old and headers.get("x-fs-ea") == self.ea and headers.get("x-fs-userid") == self.user_id
            token = given.removeprefix("Bearer ")
        else:
            is_right = old.get("corpId") == self.corp_id and old.get("currentOpenUserId") == self.user_id
            token = old["corpAccessToken"]
        if not is_right or not self.tokens or token != self.tokens[-1]:
            raise Refusal(20016, "the cropId,cropAccessToken or authorization is error")

    def _fault(self, endpoint: str, body: Answer) -> str | None:
        """The fault of this call: each once for every endpoint and object."""
        api_name = str(body.get("data", {}).get("dataObjectApiName", ""))
        self._met[endpoint, api_name] += 1
        left = [kind for kind in self._faults if (endpoint, api_name, kind) not in self._done]
        if not api_name or (QUERY, "", "expire") in self._done:
            left = [kind for kind in left if kind != "expire"]
        if not left or (api_name and self._met[endpoint, api_name] < 2):
            return None
        self._done.add((endpoint, "" if left[0] == "expire" else api_name, left[0]))
        if left[0] in ("rate", "busy"):
            raise Refusal(30004 if left[0] == "rate" else 50009, "稍后再试")
        if left[0] == "expire":
            self.tokens.append("")
            raise Refusal(20016, "corpAccessToken不存在或者已经过期")
        return left[0]

    def _answer(self, endpoint: str, body: Answer) -> Answer:
        if endpoint in (OAUTH_TOKEN, CORP_TOKEN):
            return self._token(body, is_oauth=endpoint == OAUTH_TOKEN)
        if endpoint == OBJECTS:
            self._only(body, set())
            listed = [{"describeApiName": name, "describeDisplayName": name, "isActive": True} for name in self.records]
            return {"data": {"objects": [*listed, {"describeApiName": "QuoteObj", "isActive": False}]}}
        if endpoint == DESCRIBE:
            self._only(body, {"data", "includeDetail"})
            return {"data": {"describe": self._description(body["data"].get("apiName"))}}
        self._only(body, {"data"})
        return self._query(body["data"], is_custom=endpoint == CUSTOM_QUERY)

    @staticmethod
    def _only(body: Mapping[str, Any], wanted: set[str], optional: frozenset[str] = frozenset()) -> None:
        if not wanted <= set(body) <= wanted | optional:
            raise Refusal(32000, f"参数错误: {', '.join(sorted(wanted ^ set(body)))}")

    def _token(self, body: Answer, *, is_oauth: bool) -> Answer:
        self._only(body, TOKEN_KEYS | ({"grantType"} if is_oauth else set()))
        if body["appId"] != self.app_id or body["appSecret"] != self.secret:
            raise Refusal(10006, "the parameter appSecret is missing or illegal")
        if body["permanentCode"] != self.permanent_code or body.get("grantType", "app_secret") != "app_secret":
            raise Refusal(20015, "永久授权码错误")
        # the same one is given again and again while it is in force
        if not self.tokens or not self.tokens[-1]:
            self.tokens.append(f"STANDINTOKEN{len(self.tokens):04d}")
        if is_oauth:
            return {"accessToken": self.tokens[-1], "ea": self.ea, "expiresIn": 7084, "appId": self.app_id}
        return {"corpAccessToken": self.tokens[-1], "corpId": self.corp_id, "expiresIn": 7084}

    def _description(self, api_name: Any) -> Answer:
        if api_name not in self.records:
            raise Refusal(32000, "对象不存在")
        fields: Answer = {}
        for name, type_ in {**SYSTEM, **SCHEMA[api_name]}.items():
            fields[name] = {"api_name": name, "label": name, "type": type_, "is_required": name == "name"}
            if type_ in ("select_one", "select_many"):
                fields[name]["options"] = [{"value": key, "label": text} for key, text in OPTIONS[name].items()]
        return {"api_name": api_name, "fields": fields}

    def _query(self, data: Answer, *, is_custom: bool) -> Answer:
        self._only(data, QUERY_KEYS, frozenset({"includeInvalid"}))
        self.queries.append(data)
        api_name, search = data["dataObjectApiName"], data["search_query_info"]
        if api_name not in self.records or str(api_name).endswith("__c") != is_custom:
            raise Refusal(32000, f"对象不存在: {api_name}")
        self._only(search, SEARCH_KEYS, frozenset({"fieldProjection"}))
        limit, offset, filters = search["limit"], search["offset"], search["filters"]
        if not isinstance(limit, int) or not 1 <= limit <= LIMIT or offset % limit:
            raise Refusal(32000, "limit 最大 100, offset 必须是 limit 的整数倍")
        if offset > LAST_OFFSET:
            raise Refusal(10013, "offset 不能超过10000")
        if search["orders"] != [{"fieldName": "_id", "isAsc": True}]:
            raise Refusal(32000, f"cannot page by {search['orders']}")
        for condition in filters:
            self._only(condition, {"field_name", "operator", "field_values"})
        records = [one for _, one in sorted(self.records[api_name].items())]
        asks_for_invalid = data.get("includeInvalid") or any(one["field_name"] == "life_status" for one in filters)
        if not (asks_for_invalid or self._shows_invalid):
            records = [one for one in records if one["life_status"] != "invalid"]
        for condition in filters:
            records = self._filtered(api_name, records, condition)
        page = records[offset : offset + limit]
        behind = next((one["field_values"][0] for one in filters if one["field_name"] == "_id"), None)
        everything = [one for _, one in sorted(self.records[api_name].items())]
        if behind and (self._repeats_forever or (self._repeat_page and self._first(api_name, "repeat"))):
            page = [one for one in everything if one["_id"] <= behind][:limit]
        elif self._move_record and behind and 0 < len(page) < limit:
            page = [*page, everything[0]]
        asked = search.get("fieldProjection")
        shown = [self._shown(one, asked) for one in page]
        total = len(records) if data["find_explicit_total_num"] else 0
        return {"data": {"dataList": shown, "offset": offset, "limit": limit, "total": total}}

    def _first(self, api_name: str, kind: str) -> bool:
        is_first = (QUERY, api_name, kind) not in self._done
        self._done.add((QUERY, api_name, kind))
        return is_first

    @staticmethod
    def _filtered(api_name: str, records: list[Answer], condition: Mapping[str, Any]) -> list[Answer]:
        name, values = condition["field_name"], condition["field_values"]
        if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], str):
            raise Refusal(32000, "field_values must be a list of texts")
        if name not in {"_id": "", **SYSTEM, **SCHEMA[api_name]}:
            raise Refusal(32000, f"字段不存在: {name}")
        number = int if name.endswith("_time") else str
        value = number(values[0])
        tests = {"EQ": value.__eq__, "GT": value.__lt__, "GTE": value.__le__, "LT": value.__gt__, "LTE": value.__ge__}
        if condition["operator"] not in tests:
            raise Refusal(32000, f"operator {condition['operator']}")
        return [one for one in records if tests[condition["operator"]](number(one[name])) is True]

    @staticmethod
    def _shown(record: Answer, asked: list[str] | None) -> Answer:
        """A record as the API shows it: empty fields are left out."""
        wanted = None if asked is None else {"_id", *asked, *(f"{name}__r" for name in asked)}
        return {key: value for key, value in record.items() if value is not None and (wanted is None or key in wanted)}


def _minute(number: int) -> datetime:
    return EPOCH + timedelta(minutes=number)
