"""The vendor's website: its pages, the ways people come to it, and what reads it."""

from __future__ import annotations

from typing import NamedTuple

from persona_warehouse.simulate.words import PRODUCTS

HOST = "https://www.shili-demo.cn"


class Page(NamedTuple):
    """A page; `product` is the index of the product it is about, -1 for none. The product is the page's topic."""

    category: str
    path: str
    title: str
    product: int


INDUSTRY_SLUGS = {
    "manufacturing": "制造业", "retail": "零售连锁", "logistics": "物流运输", "healthcare": "医药健康",
}  # fmt: skip
# category -> the pages it has for every product: (end of the path, end of the title)
BY_PRODUCT: dict[str, tuple[tuple[str, str], ...]] = {
    "industry_trends": tuple((f"-outlook-{part}", f"行业趋势({part})") for part in (1, 2, 3)),
    "new_technology": tuple((f"-tech-{part}", f"新技术解读({part})") for part in (1, 2, 3)),
    "case": tuple((f"-{slug}", f"{name}客户案例") for slug, name in INDUSTRY_SLUGS.items()),
    "product": (("", "产品"), ("/features", "功能"), ("/roadmap", "版本更新")),
    "solution": tuple((f"-for-{slug}", f"{name}解决方案") for slug, name in INDUSTRY_SLUGS.items()),
    "vendor_comparison": (("-vs-others", "选型对比"), ("-checklist", "厂商评估清单")),
    "it_architecture": (("-architecture", "技术架构"), ("-security", "安全与部署")),
    "after_sales": tuple(
        (f"/{topic}", f"文档: {topic}") for topic in ("quick-start", "api", "permissions", "import", "faq")
    ),
    "extra_services": (("-training", "培训服务"), ("-process-review", "流程梳理服务")),
    "swot": (("-swot", "SWOT分析"),),
}
FOLDERS = {
    "industry_trends": "insights",
    "new_technology": "tech",
    "case": "cases",
    "product": "products",
    "solution": "solutions",
    "vendor_comparison": "compare",
    "it_architecture": "architecture",
    "after_sales": "docs",
    "extra_services": "services",
    "swot": "analysis",
}

PAGES: tuple[Page, ...] = (
    Page("home", "/", "首页 - 示例软件", -1),
    *(
        Page(category, f"/{FOLDERS[category]}/{product.slug}{end}", f"{product.name}{title}", at)
        for category, ends in BY_PRODUCT.items()
        for at, product in enumerate(PRODUCTS)
        for end, title in ends
    ),
    Page("pricing", "/pricing", "价格", -1),
    Page("company", "/about", "关于我们", -1),
    Page("careers", "/careers", "加入我们", -1),
    Page("contact", "/contact", "联系我们", -1),
    Page("download", "/download/whitepaper", "白皮书下载", -1),
    Page("login", "/login", "登录", -1),
)
CATEGORIES = tuple(dict.fromkeys(page.category for page in PAGES))


class Purpose(NamedTuple):
    """Why somebody visits: the driver, its kind, and what they look at, as relative weights by category."""

    driver: str
    sub_driver: str
    interests: dict[str, float]


PURPOSES = (
    Purpose("work", "market_analysis", {"industry_trends": 12, "swot": 5, "home": 1, "case": 1, "solution": 1}),
    Purpose(
        "work",
        "procurement_research",
        {"product": 8, "pricing": 5, "solution": 4, "vendor_comparison": 2, "case": 2, "home": 2, "company": 1},
    ),
    Purpose("work", "report_for_boss", {"case": 11, "solution": 3, "pricing": 2, "it_architecture": 1, "home": 1}),
    Purpose("work", "rival_survey", {"vendor_comparison": 11, "swot": 4, "product": 1, "pricing": 1, "company": 1}),
    Purpose("learning", "technology", {"new_technology": 12, "it_architecture": 5, "home": 1}),
    Purpose("learning", "process_change", {"extra_services": 10, "industry_trends": 2, "solution": 1, "home": 1}),
    Purpose("learning", "own_product", {"after_sales": 14, "product": 1, "home": 1}),
    Purpose("", "", {"home": 6, "industry_trends": 2, "new_technology": 2, "careers": 3, "company": 3, "product": 2}),
)
MARKET, PROCUREMENT, REPORT, RIVAL, TECHNOLOGY, PROCESS, OWN_PRODUCT, PASSING = range(len(PURPOSES))

# why people of a company come in each stage: weights over PURPOSES. A seeker who knows the product looks at it
STAGE_PURPOSES: dict[str, tuple[float, ...]] = {
    "need": (8, 0, 0, 1, 1, 1, 0, 0),
    "seek": (7, 2, 1, 2, 0, 0, 0, 0),
    "seek_product": (1, 7, 2, 2, 0, 0, 0, 0),
    "weigh": (0, 6, 3, 3, 0, 0, 0, 0),
    "decide": (0, 4, 6, 1, 0, 0, 0, 0),
    "use": (0, 0, 0, 0, 0.3, 0.3, 9, 0),
    "renew": (0, 0.5, 0, 0, 0.3, 0.3, 9, 0),
    "churn": (0, 1, 0, 6, 0, 0, 0, 0),
    "learning": (0, 0, 0, 0, 6, 4, 0, 0),
    "rival": (0, 1, 0, 9, 1, 0, 0, 0),
    "passing": (0, 0, 0, 0, 0, 0, 0, 1),
}


class Channel(NamedTuple):
    """A way to the site. utm values are None where the link carries none."""

    name: str
    referrer: str | None
    source: str | None
    medium: str | None
    campaign: str | None
    term: str | None
    content: str | None


CHANNELS: tuple[Channel, ...] = (
    Channel("direct", None, None, None, None, None, None),
    Channel("search", "https://www.baidu.com/link?url=demo", None, None, None, None, None),
    Channel("search2", "https://cn.bing.com/", None, None, None, None, None),
    Channel("referral", "https://www.hangye-portal-demo.cn/reviews", None, None, None, None, None),
    Channel("cpc", "https://www.baidu.com/baidu.php", "baidu", "cpc", "brand-2026", "供应链系统", "ad-a"),
    Channel("cpc2", "https://www.baidu.com/baidu.php", "baidu", "cpc", "product-2026", "排产软件", "ad-b"),
    Channel("edm", None, "edm", "email", "newsletter-2026", None, "button"),
    Channel("expo", None, "expo", "qr", "expo-shanghai-2026", None, "booth"),
    Channel("wechat", "https://mp.weixin.qq.com/", "wechat", "social", "article-2026", None, "menu"),
    Channel("wechat2", None, "wechat", "social", "case-booklet-2026", None, "article"),
)
# shares of the channels outside of the WeChat browser, and inside of it
CHANNEL_WEIGHTS = (34, 24, 6, 6, 9, 6, 8, 3, 2, 2)
WECHAT_WEIGHTS = (4, 0, 0, 0, 0, 0, 0, 4, 56, 36)

# devices of a person; each keeps its own cookies
OFFICE, WECHAT, HOME, MOBILE = range(4)
DEVICE_AGENTS: tuple[tuple[str, ...], ...] = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 "
        "Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 "
        "Safari/537.36 Edg/137.0.0.0",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
        "MicroMessenger/8.0.61(0x18003d28) NetType/WIFI Language/zh_CN",
        "Mozilla/5.0 (Linux; Android 15; V2405A Build/AP3A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        "Chrome/134.0.0.0 Mobile Safari/537.36 XWEB/1340 MicroMessenger/8.0.60.2860 NetType/4G Language/zh_CN",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Safari/605.1.15",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile "
        "Safari/537.36",
    ),
)
# days that a cookie lasts on each device
COOKIE_DAYS = (120, 60, 90, 14)

BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
)
STORM_AGENT = "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)"
