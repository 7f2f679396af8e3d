"""Machines and people by user agent."""

from __future__ import annotations

import pytest

from persona_warehouse.user_agents import SCHEMA, classify

PEOPLE = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    " MicroMessenger/8.0.44(0x18002c2f) NetType/WIFI Language/zh_CN",
    "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Safari/537.36"
    " MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI WindowsWechat(0x63090719) XWEB/8391",
    "Mozilla/5.0 (Linux; U; Android 12; zh-CN; ALN-AL00) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/100.0.4896.58 Quark/6.8.2.460 Mobile Safari/537.36",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "-",
    "",
]
MACHINES = {
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)": "Baiduspider",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)": "Sogou web",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": "bingbot",
    "python-requests/2.31.0": "python-requests",
    "curl/7.88.1": "curl",
    "Go-http-client/1.1": "Go-http-client",
}


@pytest.mark.parametrize("agent", PEOPLE)
def test_browsers_are_people(agent: str) -> None:
    assert classify([agent]).to_pylist() == [{"user_agent": agent, "is_bot": False, "bot_name": None}]


def test_machines_are_named_and_order_is_kept() -> None:
    found = classify([*PEOPLE, *MACHINES])
    assert found.schema == SCHEMA
    assert found.column("user_agent").to_pylist() == [*PEOPLE, *MACHINES]
    assert found.column("is_bot").to_pylist() == [False] * len(PEOPLE) + [True] * len(MACHINES)
    assert found.column("bot_name").to_pylist() == [None] * len(PEOPLE) + list(MACHINES.values())


def test_no_agents_give_a_typed_empty_table() -> None:
    found = classify([])
    assert (found.num_rows, found.schema) == (0, SCHEMA)
