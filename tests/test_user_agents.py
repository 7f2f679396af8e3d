"""Machines and people by user agent."""

from __future__ import annotations

import pytest

from persona_warehouse.user_agents import SCHEMA, classify

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
PEOPLE = [
    f"{WINDOWS} Chrome/120.0.0.0 Safari/537.36",
    f"{WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.2903.70",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1"
    " Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    # WeChat on a phone, on a desk, and for companies
    f"{IPHONE} Mobile/15E148 MicroMessenger/8.0.44(0x18002c2f) NetType/WIFI Language/zh_CN",
    f"Mozilla/5.0 (Linux; Android 13; 22041211AC Build/TP1A.220624.014; wv) {WEBKIT} Version/4.0 Chrome/116.0.0.0"
    " Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MMWEBID/4321 MicroMessenger/8.0.47.2560(0x28002F3F)"
    " WeChat/arm64 Weixin NetType/5G Language/zh_CN ABI/arm64",
    f"Mozilla/5.0 (Windows NT 10.0; WOW64) {WEBKIT} Chrome/107.0.0.0 Safari/537.36"
    " MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI WindowsWechat(0x63090719) XWEB/8391",
    f"{IPHONE} Mobile/15E148 wxwork/4.1.16 MicroMessenger/7.0.1 Language/zh",
    # the browsers of China
    f"Mozilla/5.0 (Linux; U; Android 13; zh-cn; V2241A Build/TP1A) {WEBKIT} Version/4.0 Chrome/109.0.5414.86"
    " MQQBrowser/14.6 Mobile Safari/537.36 COVC/046917",
    f"{WINDOWS} Chrome/94.0.4606.71 Safari/537.36 Core/1.94.201.400 QQBrowser/11.9.5355.400",
    f"Mozilla/5.0 (Linux; U; Android 12; zh-CN; PGBM10 Build/SP1A) {WEBKIT} Version/4.0 Chrome/100.0.4896.58"
    " UCBrowser/15.5.8.1238 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00; HMSCore 6.12.0.302) {WEBKIT} Chrome/99.0.4844.88"
    " HuaweiBrowser/14.0.5.302 Mobile Safari/537.36",
    f"Mozilla/5.0 (Phone; OpenHarmony 5.0) {WEBKIT} Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile"
    " HuaweiBrowser/5.0.4.300",
    f"Mozilla/5.0 (Linux; U; Android 12; zh-CN; ALN-AL00) {WEBKIT} Version/4.0 Chrome/100.0.4896.58 Quark/6.8.2.460"
    " Mobile Safari/537.36",
    f"{WINDOWS} Chrome/86.0.4240.198 Safari/537.36 SE 2.X MetaSr 1.0",
    f"{WINDOWS} Chrome/108.0.5359.95 Safari/537.36 QIHU 360SE",
    f"Mozilla/5.0 (Linux; U; Android 11; zh-cn; M2102J2SC Build/RKQ1) {WEBKIT} Version/4.0 Chrome/89.0.4389.116 Mobile"
    " Safari/537.36 XiaoMi/MiuiBrowser/16.8.32",
    f"{IPHONE} Mobile/15E148 baiduboxapp/13.45.0.10 (Baidu; P2 16.5)",
    # the apps that companies talk in
    f"{IPHONE} Mobile/21A329 AliApp(DingTalk/7.1.0) com.laiwang.DingTalk/12345 Channel/201200 language/zh-Hans-CN",
    f"Mozilla/5.0 (Linux; Android 13) {WEBKIT} Mobile Safari/537.36 Lark/7.5.4 LarkLocale/zh_CN Feishu",
    # who says nothing is judged with the request: a web server is always told (int_website__events_enriched)
    "-",
    "",
]
MACHINES = {
    # search engines, those of China among them
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)": "Baiduspider",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 9_1 like Mac OS X) AppleWebKit/601.1.46 (KHTML, like Gecko) Version/9.0"
    " Mobile/13B143 Safari/601.1 (compatible; Baiduspider-render/2.0;"
    " +http://www.baidu.com/search/spider.html)": "Baiduspider",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)": "Sogou web",
    f"Mozilla/5.0 (Windows NT 6.1; WOW64) {WEBKIT} Chrome/50.0.2661.102 Safari/537.36; 360Spider": "360Spider",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0); 360Spider(compatible; HaosouSpider;"
    " http://www.haosou.com/help/help_3_2.html)": "360Spider",
    f"{WINDOWS} Chrome/69.0.3497.81 YisouSpider/5.0 Safari/537.36": "YisouSpider",
    f"Mozilla/5.0 (Linux; Android 7.0;) {WEBKIT} Mobile Safari/537.36 (compatible;"
    " PetalBot;+https://webmaster.petalsearch.com/site/petalbot)": "PetalBot",
    "Mozilla/5.0 (compatible; ToutiaoSpider/1.0; http://web.toutiao.com/media_cooperation/)": "ToutiaoSpider",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "Googlebot",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": "bingbot",
    # what models are made of
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)": "GPTBot",
    f"Mozilla/5.0 {WEBKIT}; compatible; ChatGPT-User/1.0; +https://openai.com/bot": "ChatGPT-User",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0;"
    " +claudebot@anthropic.com)": "ClaudeBot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0;"
    " +https://perplexity.ai/perplexitybot)": "PerplexityBot",
    f"Mozilla/5.0 (Linux; Android 5.0) {WEBKIT} Mobile Safari/537.36 (compatible; Bytespider;"
    " spider-feedback@bytedance.com)": "Bytespider",
    "CCBot/2.0 (https://commoncrawl.org/faq/)": "CCBot",
    # browsers without a window, and those who watch whether a site is up
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/120.0.6099.109 Safari/537.36": "Headless",
    "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1"
    " Safari/538.1": "PhantomJS/",
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/98.0.4695.0 Safari/537.36 Chrome-Lighthouse": "Lighthouse",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": "UptimeRobot",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)": "Pingdom",
    "ELB-HealthChecker/2.0": "ELB-HealthChecker",
    "kube-probe/1.27": "kube-probe",
    "Zabbix": "Zabbix",
    "Alibaba.Security.Heimdall.8212341.abc": "Alibaba.Security.Heimdall",
    # scripts
    "python-requests/2.31.0": "python-requests",
    "curl/7.88.1": "curl",
    "Go-http-client/1.1": "Go-http-client",
    "okhttp/4.12.0": "okhttp",
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
