"""The vendor's website: its pages, the ways people come to it, and what reads it."""

from __future__ import annotations

from typing import NamedTuple

from persona_warehouse.simulate.words import PRODUCTS

HOST = "https://www.shili-demo.cn"


class Page(NamedTuple):
    """A page; `product` is the index of the product it is about, -1 for none."""

    category: str
    path: str
    title: str
    product: int


INDUSTRY_SLUGS = {
    "manufacturing": "制造业", "retail": "零售连锁", "logistics": "物流运输", "healthcare": "医药健康",
    "electronics": "电子", "energy": "能源环保", "food": "食品饮料", "construction": "建筑工程",
}  # fmt: skip
BLOG_TOPICS = (
    "supply-chain-trends", "digital-factory", "ai-in-operations", "cost-control", "data-governance",
    "quality-management", "procurement-reform", "customer-retention", "lean-production", "green-manufacturing",
    "remote-inspection", "it-budget",
)  # fmt: skip

PAGES: tuple[Page, ...] = (
    Page("home", "/", "首页 - 示例软件", -1),
    *(Page("products", f"/products/{p.slug}", f"{p.name} - 产品", at) for at, p in enumerate(PRODUCTS)),
    *(Page("solutions", f"/solutions/{slug}", f"{name}解决方案", -1) for slug, name in INDUSTRY_SLUGS.items()),
    *(
        Page("cases", f"/cases/{p.slug}-{slug}", f"{INDUSTRY_SLUGS[slug]}客户案例: {p.name}", at)
        for at, p in enumerate(PRODUCTS)
        for slug in tuple(INDUSTRY_SLUGS)[:4]
    ),
    *(Page("compare", f"/compare/{p.slug}", f"{p.name}选型对比", at) for at, p in enumerate(PRODUCTS)),
    Page("pricing", "/pricing", "价格", -1),
    *(Page("blog", f"/blog/{topic}-{part}", f"{topic} ({part})", -1) for topic in BLOG_TOPICS for part in (1, 2)),
    *(
        Page("docs", f"/docs/{p.slug}/{topic}", f"{p.name}文档: {topic}", at)
        for at, p in enumerate(PRODUCTS)
        for topic in ("quick-start", "api", "permissions", "import", "faq")
    ),
    Page("about", "/about", "关于我们", -1),
    Page("careers", "/careers", "加入我们", -1),
    Page("contact", "/contact", "联系我们", -1),
    Page("download", "/download/whitepaper", "白皮书下载", -1),
    Page("login", "/login", "登录", -1),
)
CATEGORIES = tuple(dict.fromkeys(page.category for page in PAGES))

# what somebody in each stage looks at: relative weights by category
INTERESTS: dict[str, dict[str, float]] = {
    "need": {"home": 3, "blog": 10, "solutions": 3, "products": 1, "about": 1},
    "seek": {"home": 3, "blog": 5, "solutions": 6, "products": 8, "cases": 3, "compare": 1, "about": 1},
    "weigh": {"home": 2, "products": 6, "cases": 8, "compare": 5, "pricing": 6, "docs": 3, "solutions": 2, "about": 1},
    "decide": {"home": 2, "pricing": 7, "cases": 5, "docs": 5, "compare": 3, "products": 3, "about": 2},
    "use": {"home": 2, "docs": 14, "blog": 2, "products": 2},
    "renew": {"home": 2, "docs": 7, "pricing": 4, "products": 4},
    "churn": {"home": 1, "pricing": 3, "compare": 3, "docs": 1},
    "passing": {"home": 4, "blog": 8, "careers": 3, "about": 2, "products": 2},
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
