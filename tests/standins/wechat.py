"""A strict stand-in for the WeChat Official Account API, with faults on request.

    with WeChatStandin(expire_token_after=100) as wechat:
        monkeypatch.setenv("AIRFLOW_CONN_WECHAT_MAIN", wechat.connection_json())

Everything it says is a function of its arguments. It refuses what the API refuses, with the API's error codes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from tests.standins.server import LoopbackServer

Answer = dict[str, Any]
EndStyle = Literal["no_data", "zero_count", "empty_next", "same_next"]

STABLE_TOKEN = "/cgi-bin/stable_token"
CLASSIC_TOKEN = "/cgi-bin/token"
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
RETIRED = tuple(
    f"/datacube/{name}"
    for name in (
        "getarticlesummary", "getarticletotal", "getuserread", "getuserreadhour", "getusershare", "getusersharehour",
    )
)  # fmt: skip

SCENES = (
    "ADD_SCENE_SEARCH", "ADD_SCENE_ACCOUNT_MIGRATION", "ADD_SCENE_PROFILE_CARD", "ADD_SCENE_QR_CODE",
    "ADD_SCENE_PROFILE_LINK", "ADD_SCENE_PROFILE_ITEM", "ADD_SCENE_PAID", "ADD_SCENE_WECHAT_ADVERTISEMENT",
    "ADD_SCENE_REPRINT", "ADD_SCENE_LIVESTREAM", "ADD_SCENE_CHANNELS", "ADD_SCENE_WXA", "ADD_SCENE_OTHERS",
)  # fmt: skip
TAGS = ((2, "星标组"), (100, "展会"), (101, "老客户"), (102, "经销商"), (103, "试用"), (104, "采购"))
USER_SOURCES = (0, 1, 17, 30, 57, 161, 200)
FIRST_STATISTICS = date(2014, 12, 1)
FIRST_ARTICLES = date(2025, 11, 1)
ARTICLE_DAYS = 30
READERS = ("全部", "会话", "朋友圈", "搜一搜")
FIRST_FOLLOW = int(datetime(2021, 1, 1, tzinfo=UTC).timestamp())

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40032: "invalid openid list size",
    40125: "invalid appsecret",
    40164: "invalid ip 192.0.2.7 ipv6 ::ffff:192.0.2.7, not in whitelist",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    47009: "this api is offline, please use the new api",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities",
    48006: "api forbid to clear quota because of reaching the limit",
    50002: "user limited",
    45056: "too many tag now, no need to add new",
    45057: "can't modify sys tag",
    45058: "can't modify sys tag",
    45157: "invalid tag name",
    45158: "invalid tag name length",
    45159: "invalid tag id",
    61500: "date format error",
    61501: "date range error",
}


class Refusal(Exception):
    def __init__(self, errcode: int) -> None:
        super().__init__(str(errcode))
        self.errcode = errcode


class WeChatStandin(LoopbackServer):
    """The server; a context manager that listens on a free port of this machine while it is open.

    Args:
        followers: how many openids user/get lists; one in seventeen of them has left since (subscribe 0).
        page_size: openids on a page.
        today: the date in Beijing, by default the real one; statistics end the day before.
        expire_token_after: after so many calls with a token it expires, once (42001).
        busy_once_at: an endpoint whose first call answers -1.
        login_page: every call gets a login page in HTML, which repeats the address that was asked for.
        status_once, rate_limit_once, cut_body_once: the first call at `once_at` gets this HTTP status, or 429 with
            `retry_after`, or half of its body.
        repeat_page: the first page is served a second time before the second one.
        end_style: how the follower list ends.
        invalid_openids: indices of followers who are listed and then called invalid (40003).
        errcode_at, errcode_once_at: endpoint -> errcode that it answers always, or to its first call.
        span_days: the longest span of the follower statistics, and of getbizsummary where it is less than 30.
        delayed: days (of publishing, of reading) whose article numbers are still preliminary.
        leave_after_page: page number, from 1 -> indices of followers who leave once it was served.

    Attributes:
        calls: how often each endpoint was called, refused calls included.
        asked: endpoint, first and last day of every call for statistics that was answered.
    """

    appid = "wx0standin0appid0"
    secret = "standin-appsecret-9f8e7d6c5b4a3210"

    def __init__(
        self,
        *,
        followers: int = 25_000,
        page_size: int = 10_000,
        today: date | None = None,
        expire_token_after: int | None = None,
        busy_once_at: str | None = None,
        login_page: bool = False,
        status_once: int | None = None,
        rate_limit_once: bool = False,
        retry_after: str = "1",
        cut_body_once: bool = False,
        once_at: str = USER_INFO_BATCH,
        repeat_page: bool = False,
        end_style: EndStyle = "no_data",
        invalid_openids: Collection[int] = (),
        errcode_at: Mapping[str, int] | None = None,
        errcode_once_at: Mapping[str, int] | None = None,
        span_days: int = 7,
        delayed: Collection[date] = (),
        leave_after_page: Mapping[int, Collection[int]] | None = None,
    ) -> None:
        self.followers = followers
        self.page_size = page_size
        self.today = today or (datetime.now(UTC) + timedelta(hours=8)).date()
        self.end_style = end_style
        self.span_days = span_days
        self.delayed = set(delayed)
        self.asked: list[tuple[str, date, date]] = []
        self._leave_after_page = dict(leave_after_page or {})
        self._gone: set[int] = set()
        self._pages = 0
        self._listed: Sequence[int] = range(followers)
        self.calls: Counter[str] = Counter()
        self.tokens: list[str] = []
        self._valid: dict[str, str] = {}
        self._expired: set[str] = set()
        self._expire_after = expire_token_after
        self._calls_with_token = 0
        self._login_page = login_page
        self._retry_after = retry_after
        self._repeat_page = repeat_page
        self._invalid = {self.openid(index) for index in invalid_openids}
        self._errcode_at = dict(errcode_at or {})
        self._errcode_once_at = dict(errcode_once_at or {})
        if busy_once_at:
            self._errcode_once_at[busy_once_at] = -1
        self._once_at = once_at
        self._status_once = 429 if rate_limit_once else status_once
        self._cut_body_once = cut_body_once
        self._endpoints: dict[str, tuple[str, Callable[[Mapping[str, str], Answer], Answer]]] = {
            STABLE_TOKEN: ("POST", self._stable_token),
            CLASSIC_TOKEN: ("GET", self._classic_token),
            USER_GET: ("GET", self._user_get),
            USER_INFO: ("GET", self._user_info),
            USER_INFO_BATCH: ("POST", self._user_info_batch),
            TAGS_GET: ("GET", self._tags_get),
            USER_SUMMARY: ("POST", self._user_summary),
            USER_CUMULATE: ("POST", self._user_cumulate),
            ACCOUNT_SUMMARY: ("POST", self._account_summary),
            ARTICLE_READ: ("POST", self._article_read),
            ARTICLE_SHARE: ("POST", self._article_share),
            ARTICLE_TOTAL: ("POST", self._article_total),
            **dict.fromkeys(RETIRED, ("POST", self._retired)),
        }

    def connection_json(self) -> str:
        """The value of the AIRFLOW_CONN_ variable that leads here."""
        return json.dumps({"conn_type": "http", "host": self.base_url, "login": self.appid, "password": self.secret})

    # what it knows

    @staticmethod
    def openid(index: int) -> str:
        """The openid of a follower, 28 characters."""
        return "oStd" + hashlib.blake2b(b"openid %d" % index, digest_size=12).hexdigest()

    @staticmethod
    def unionid(index: int) -> str | None:
        """The unionid of a follower; three of five have one."""
        if index * 7 % 10 >= 6:
            return None
        return "uStd" + hashlib.blake2b(b"unionid %d" % index, digest_size=12).hexdigest()

    @staticmethod
    def has_left(index: int) -> bool:
        """Whether a listed follower has left since."""
        return index % 17 == 5

    @property
    def left_count(self) -> int:
        return sum(self.has_left(index) for index in range(self.followers))

    @property
    def unionid_count(self) -> int:
        """How many answers carry a unionid: those who left carry nothing."""
        return sum(not self.has_left(index) and index * 7 % 10 < 6 for index in range(self.followers))

    def info(self, index: int) -> Answer:
        """What user/info says of a follower."""
        if self.has_left(index):
            return {"subscribe": 0, "openid": self.openid(index)}
        scene = SCENES[index % len(SCENES)]
        scanned = scene in ("ADD_SCENE_QR_CODE", "ADD_SCENE_OTHERS")
        answer: Answer = {
            "subscribe": 1,
            "openid": self.openid(index),
            "subscribe_time": FIRST_FOLLOW + index * 6000,
            "remark": f"展会名片 {index % 7}" if index % 50 == 0 else "",
            "groupid": 0,
            "tagid_list": [TAGS[index % 6][0]] if index % 3 == 0 else [],
            "subscribe_scene": scene,
            # as seen in the wild: a scanned code can come with the scene OTHERS
            "qr_scene": 3229 if scanned and index % 2 else 0,
            "qr_scene_str": f"booth-{index % 9}" if scanned and not index % 2 else "",
        }
        if index % 2:
            # half of the answers still carry the retired keys
            answer |= {"nickname": "", "sex": 0, "language": "", "city": "", "province": "", "country": ""}
            answer |= {"headimgurl": ""}
        if unionid := self.unionid(index):
            answer["unionid"] = unionid
        return answer

    @staticmethod
    def summary(day: date) -> list[Answer]:
        """What getusersummary says of a day; every third day has no row of user_source 0."""
        number = day.toordinal()
        return [
            {
                "ref_date": day.isoformat(),
                "user_source": source,
                "new_user": (number * 7 + source) % 23,
                "cancel_user": (number * 3 + source) % 5,
            }
            for source in USER_SOURCES
            if source or number % 3
        ]

    @staticmethod
    def cumulate(day: date) -> list[Answer]:
        """What getusercumulate says of a day."""
        return [{"ref_date": day.isoformat(), "cumulate_user": 20_000 + 4 * (day - FIRST_STATISTICS).days}]

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {self.openid(index): index for index in range(self.followers)}

    @cached_property
    def _openids(self) -> list[str]:
        return list(self._indices)

    # how it answers

    async def _handle(self, path: str, request: Request) -> Response:
        endpoint = "/" + path
        self.calls[endpoint] += 1
        if self._login_page:
            return HTMLResponse(
                "<html><head><title>Portal</title><script>var page = 1;</script></head>"
                f"<body><h1>Sign in</h1><p>to go on to {request.url}</p></body></html>"
            )
        if endpoint not in self._endpoints:
            return HTMLResponse("<html><body>404 Not Found</body></html>", status_code=404)
        if endpoint == self._once_at and self._status_once:
            status, self._status_once = self._status_once, None
            headers = {"retry-after": self._retry_after} if status == 429 else {}
            return HTMLResponse("<html><body>no</body></html>", status_code=status, headers=headers)
        try:
            answer = self._answer(endpoint, request.method, dict(request.query_params), await request.body())
        except Refusal as refusal:
            answer = {
                "errcode": refusal.errcode,
                "errmsg": f"{MESSAGES.get(refusal.errcode, 'unknown error')} rid: 65f0-standin",
            }
        body = json.dumps(answer, ensure_ascii=False).encode()
        headers = {"content-type": "application/json; encoding=utf-8"}
        if endpoint == self._once_at and self._cut_body_once:
            self._cut_body_once = False
            headers["content-length"] = str(len(body))
            body = body[: len(body) // 2]
        return Response(body, headers=headers)

    def _answer(self, endpoint: str, method: str, query: Mapping[str, str], raw: bytes) -> Answer:
        wanted, answer = self._endpoints[endpoint]
        if method != wanted:
            raise Refusal(43002 if wanted == "POST" else 43001)
        if endpoint not in (STABLE_TOKEN, CLASSIC_TOKEN):
            self._check_token(query.get("access_token"))
        if endpoint in self._errcode_once_at:
            raise Refusal(self._errcode_once_at.pop(endpoint))
        if endpoint in self._errcode_at:
            raise Refusal(self._errcode_at[endpoint])
        return answer(query, self._body(raw) if wanted == "POST" else {})

    @staticmethod
    def _body(raw: bytes) -> Answer:
        if not raw:
            raise Refusal(44002)
        try:
            body = json.loads(raw)
        except ValueError:
            raise Refusal(47001) from None
        if not isinstance(body, dict):
            raise Refusal(47001)
        return body

    def _check_token(self, token: str | None) -> None:
        if not token:
            raise Refusal(41001)
        self._calls_with_token += 1
        if self._expire_after is not None and self._calls_with_token > self._expire_after:
            self._expire_after = None
            self._expired.update(self._valid.values())
            self._valid.clear()
        if token in self._expired:
            raise Refusal(42001)
        if token not in self._valid.values():
            raise Refusal(40001)

    def _check_account(self, who: Mapping[str, Any]) -> None:
        if who.get("grant_type") != "client_credential":
            raise Refusal(40002)
        for key, value, missing, wrong in (("appid", self.appid, 41002, 40013), ("secret", self.secret, 41004, 40125)):
            if not who.get(key):
                raise Refusal(missing)
            if who[key] != value:
                raise Refusal(wrong)

    def _issue(self, kind: str) -> Answer:
        token = f"{len(self.tokens):02d}_standin_token_" + hashlib.sha256(b"%d" % len(self.tokens)).hexdigest() * 2
        self.tokens.append(token)
        self._valid[kind] = token
        return {"access_token": token, "expires_in": 7200}

    def _stable_token(self, _: Mapping[str, str], body: Answer) -> Answer:
        self._check_account(body)
        if "stable" in self._valid and not body.get("force_refresh"):
            return {"access_token": self._valid["stable"], "expires_in": 7100}
        return self._issue("stable")

    def _classic_token(self, query: Mapping[str, str], _: Answer) -> Answer:
        self._check_account(query)
        return self._issue("classic")

    def _user_get(self, query: Mapping[str, str], _: Answer) -> Answer:
        cursor = query.get("next_openid", "")
        if cursor and self._indices.get(cursor, -1) not in self._listed:
            raise Refusal(40003)
        start = self._listed.index(self._indices[cursor]) + 1 if cursor else 0
        if self._repeat_page and start == self.page_size:
            self._repeat_page = False
            start = 0
        if start >= len(self._listed):
            if self.end_style == "same_next" and cursor:
                return self._page(max(0, len(self._listed) - self.page_size))
            end: Answer = {"total": len(self._listed), "count": 0}
            if self.end_style == "zero_count":
                return end | {"data": {"openid": []}, "next_openid": cursor}
            return end | {"next_openid": ""}
        return self._page(start)

    def _page(self, start: int) -> Answer:
        openids = [self._openids[index] for index in self._listed[start : start + self.page_size]]
        is_last = start + len(openids) >= len(self._listed)
        answer = {
            "total": len(self._listed),
            "count": len(openids),
            "data": {"openid": openids},
            "next_openid": "" if is_last and self.end_style == "empty_next" else openids[-1],
        }
        self._pages += 1
        leaving = set(self._leave_after_page.get(self._pages, ()))
        self._gone |= leaving
        self._listed = [index for index in self._listed if index not in leaving]
        return answer

    def _of(self, openid: object) -> Answer:
        if openid in self._invalid or openid not in self._indices:
            raise Refusal(40003)
        index = self._indices[str(openid)]
        return {"subscribe": 0, "openid": openid} if index in self._gone else self.info(index)

    def _user_info(self, query: Mapping[str, str], _: Answer) -> Answer:
        return self._of(query.get("openid"))

    def _user_info_batch(self, _: Mapping[str, str], body: Answer) -> Answer:
        asked = body.get("user_list")
        if not isinstance(asked, list) or not all(isinstance(entry, dict) for entry in asked):
            raise Refusal(47001)
        if not 0 < len(asked) <= 100:
            raise Refusal(40032)
        return {"user_info_list": [self._of(entry.get("openid")) for entry in asked]}

    def _tags_get(self, _: Mapping[str, str], __: Answer) -> Answer:
        held = Counter(tag for index in range(self.followers) for tag in self.info(index).get("tagid_list", ()))
        return {"tags": [{"id": number, "name": name, "count": held[number]} for number, name in TAGS]}

    def _days(self, endpoint: str, body: Answer, longest: int, first: date) -> list[date]:
        try:
            begin, end = (
                datetime.strptime(str(body.get(key)), "%Y-%m-%d").date() for key in ("begin_date", "end_date")
            )
        except ValueError:
            raise Refusal(61500) from None
        length = (end - begin).days + 1
        if not 1 <= length <= longest or begin < first or end >= self.today:
            raise Refusal(61501)
        self.asked.append((endpoint, begin, end))
        return [begin + timedelta(days=number) for number in range(length)]

    def _user_summary(self, _: Mapping[str, str], body: Answer) -> Answer:
        days = self._days(USER_SUMMARY, body, self.span_days, FIRST_STATISTICS)
        return {"list": [entry for day in days for entry in self.summary(day)]}

    def _user_cumulate(self, _: Mapping[str, str], body: Answer) -> Answer:
        days = self._days(USER_CUMULATE, body, self.span_days, FIRST_STATISTICS)
        return {"list": [entry for day in days for entry in self.cumulate(day)]}

    def _article_days(self, endpoint: str, body: Answer, longest: int = 1) -> tuple[list[date], bool]:
        days = self._days(endpoint, body, longest, FIRST_ARTICLES)
        return days, not self.delayed.isdisjoint(days)

    def _account_summary(self, _: Mapping[str, str], body: Answer) -> Answer:
        days, is_delay = self._article_days(ACCOUNT_SUMMARY, body, 30 if self.span_days == 7 else self.span_days)
        return {"list": [self.account_day(day) for day in days], "is_delay": is_delay}

    def _article_read(self, _: Mapping[str, str], body: Answer) -> Answer:
        (day,), is_delay = self._article_days(ARTICLE_READ, body)
        return {"list": [self.article_day(day, msgid) for msgid in self.articles(day)], "is_delay": is_delay}

    def _article_share(self, _: Mapping[str, str], body: Answer) -> Answer:
        (day,), is_delay = self._article_days(ARTICLE_SHARE, body)
        entries = [
            {"ref_date": day.isoformat(), "msgid": msgid, "detail": {"share_user": number}}
            for number, msgid in enumerate(self.articles(day))
            # nobody shared the first one
            if number
        ]
        return {"list": entries, "is_delay": is_delay}

    def _article_total(self, _: Mapping[str, str], body: Answer) -> Answer:
        (day,), is_delay = self._article_days(ARTICLE_TOTAL, body)
        return {"list": [self.article_total(day, msgid) for msgid in self.articles(day)], "is_delay": is_delay}

    def _retired(self, _: Mapping[str, str], __: Answer) -> Answer:
        raise Refusal(47009)

    @staticmethod
    def articles(day: date) -> list[str]:
        """The articles published on a day: two on every second one."""
        number = 2247490000 + day.toordinal() % 1000
        return [f"{number}_{place}" for place in (1, 2)] if day.toordinal() % 2 else []

    @staticmethod
    def account_day(day: date) -> Answer:
        """What getbizsummary says of a day."""
        read = 100 + day.toordinal() % 50
        detail = {
            "read_user": read, "read_user_source": [{"user_count": read, "scene_desc": "全部"}], "share_user": 3,
            "zaikan_user": 2, "like_user": 5, "comment_count": 1, "collection_user": 4, "redirect_ori_page_user": 6,
            "send_page_count": 2,
        }  # fmt: skip
        return {"ref_date": day.isoformat(), "detail": detail}

    @staticmethod
    def article_day(day: date, msgid: str) -> Answer:
        """What getarticleread says of a day and an article."""
        sources = [{"user_count": 10, "scene_desc": scene} for scene in READERS]
        return {"ref_date": day.isoformat(), "msgid": msgid, "detail": {"read_user": 40, "read_user_source": sources}}

    def article_total(self, day: date, msgid: str) -> Answer:
        """What getarticletotaldetail says of an article of a day: it is followed for thirty days, up to yesterday."""
        last = min(self.today - timedelta(days=1), day + timedelta(days=ARTICLE_DAYS - 1))
        details = [
            {
                "stat_date": (day + timedelta(days=number)).isoformat(),
                "read_user": 100 + 10 * number,
                "read_user_source": [{"user_count": 100 + 10 * number, "scene_desc": "全部"}],
                "share_user": number,
                "zaikan_user": 1,
                "like_user": 2,
                "comment_count": 0,
                "collection_user": 3,
                "praise_money": 880,
                "read_subscribe_user": 60,
                "read_delivery_rate": 0.125,
                "read_finish_rate": 0.5,
                "read_avg_activetime": 1.25,
                "read_jump_position": [{"position": 1, "rate": 0.25}],
            }
            for number in range((last - day).days + 1)
        ]
        return {
            "ref_date": day.isoformat(), "msgid": msgid, "publish_type": 0, "title": f"第{msgid}期",
            "content_url": f"https://mp.weixin.qq.com/s/{msgid}", "detail_list": details,
        }  # fmt: skip
