"""The word lists that companies and people are put together from. Whatever comes out is invented."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A city with what a company in it is known by. `region` is the code of a district (GB/T 2260)."""

    name: str
    province: str
    city: str
    district: str
    region: str
    area_code: str
    english: str


class Trade(NamedTuple):
    """What a company does. `legal` stands in the registered name, `short` in the spoken one."""

    legal: str
    short: str
    english: str
    slug: str
    industry: str
    chain_position: str
    org_type: str


PLACES = (
    Place("上海", "上海市", "上海市", "浦东新区", "310115", "021", "Shanghai"),
    Place("北京", "北京市", "北京市", "海淀区", "110108", "010", "Beijing"),
    Place("深圳", "广东省", "深圳市", "南山区", "440305", "0755", "Shenzhen"),
    Place("广州", "广东省", "广州市", "天河区", "440106", "020", "Guangzhou"),
    Place("杭州", "浙江省", "杭州市", "滨江区", "330108", "0571", "Hangzhou"),
    Place("苏州", "江苏省", "苏州市", "吴中区", "320506", "0512", "Suzhou"),
    Place("南京", "江苏省", "南京市", "江宁区", "320115", "025", "Nanjing"),
    Place("成都", "四川省", "成都市", "武侯区", "510107", "028", "Chengdu"),
    Place("武汉", "湖北省", "武汉市", "洪山区", "420111", "027", "Wuhan"),
    Place("西安", "陕西省", "西安市", "雁塔区", "610113", "029", "Xi'an"),
    Place("重庆", "重庆市", "重庆市", "渝北区", "500112", "023", "Chongqing"),
    Place("天津", "天津市", "天津市", "南开区", "120104", "022", "Tianjin"),
    Place("青岛", "山东省", "青岛市", "崂山区", "370212", "0532", "Qingdao"),
    Place("宁波", "浙江省", "宁波市", "鄞州区", "330212", "0574", "Ningbo"),
    Place("无锡", "江苏省", "无锡市", "滨湖区", "320211", "0510", "Wuxi"),
    Place("长沙", "湖南省", "长沙市", "岳麓区", "430104", "0731", "Changsha"),
    Place("合肥", "安徽省", "合肥市", "蜀山区", "340104", "0551", "Hefei"),
    Place("厦门", "福建省", "厦门市", "思明区", "350203", "0592", "Xiamen"),
    Place("郑州", "河南省", "郑州市", "金水区", "410105", "0371", "Zhengzhou"),
    Place("佛山", "广东省", "佛山市", "南海区", "440605", "0757", "Foshan"),
    Place("济南", "山东省", "济南市", "历下区", "370102", "0531", "Jinan"),
)

# the first places hold most of the companies
PLACE_WEIGHTS = (18, 12, 12, 8, 8, 6, 4, 5, 4, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1)

TRADES = (
    Trade("智能科技", "智能", "Intelligent Technology", "zn", "软件信息", "midstream", "technology"),
    Trade("数据服务", "数据", "Data Services", "sj", "软件信息", "midstream", "technology"),
    Trade("网络技术", "网络", "Network Technology", "wl", "软件信息", "midstream", "technology"),
    Trade("精密机械", "精机", "Precision Machinery", "jj", "装备制造", "upstream", "other"),
    Trade("智能装备", "装备", "Smart Equipment", "zb", "装备制造", "midstream", "other"),
    Trade("电子材料", "电材", "Electronic Materials", "dc", "电子元件", "upstream", "other"),
    Trade("汽车部件", "汽配", "Auto Parts", "qp", "汽车零部件", "midstream", "other"),
    Trade("医疗器械", "医疗", "Medical Devices", "yl", "医药健康", "midstream", "brand"),
    Trade("生物医药", "生物", "Biopharma", "sw", "医药健康", "upstream", "other"),
    Trade("食品", "食品", "Foods", "sp", "食品饮料", "midstream", "brand"),
    Trade("服饰", "服饰", "Apparel", "fs", "服装日化", "midstream", "brand"),
    Trade("日化用品", "日化", "Household Goods", "rh", "服装日化", "midstream", "brand"),
    Trade("供应链管理", "供应链", "Supply Chain", "gyl", "物流运输", "midstream", "other"),
    Trade("冷链物流", "冷链", "Cold Chain Logistics", "ll", "物流运输", "midstream", "other"),
    Trade("连锁商业", "商业", "Retail", "sy", "零售连锁", "downstream", "retailer"),
    Trade("餐饮管理", "餐饮", "Catering", "cy", "零售连锁", "downstream", "retailer"),
    Trade("环境工程", "环境", "Environmental Engineering", "hj", "能源环保", "downstream", "other"),
    Trade("新能源", "新能源", "New Energy", "xny", "能源环保", "upstream", "other"),
    Trade("建筑装饰", "装饰", "Building Decoration", "zs", "建筑工程", "downstream", "other"),
    Trade("管理咨询", "咨询", "Consulting", "zx", "商务服务", "downstream", "consulting"),
    Trade("投资管理", "投资", "Investment", "tz", "金融投资", "downstream", "investment"),
    Trade("软件", "软件", "Software", "rj", "软件信息", "midstream", "technology"),
)

# how salespeople write an industry, and what the sources file maps it to
INDUSTRY_WRITTEN = {
    "软件信息": ("软件信息", "IT", "软件"),
    "装备制造": ("装备制造", "设备制造", "制造业"),
    "电子元件": ("电子元件", "电子"),
    "汽车零部件": ("汽车零部件", "汽配"),
    "医药健康": ("医药健康", "医药"),
    "食品饮料": ("食品饮料", "食品"),
    "物流运输": ("物流运输", "物流"),
    "零售连锁": ("零售连锁", "零售"),
    "能源环保": ("能源环保", "环保"),
    "建筑工程": ("建筑工程", "建筑"),
    "服装日化": ("服装日化", "消费品", "快消"),
    "商务服务": ("商务服务", "咨询"),
    "金融投资": ("金融投资", "投资"),
}

LEGAL_FORMS = ("有限公司", "股份有限公司", "有限责任公司", "集团有限公司")

BRAND_FIRST = {
    "星": "xing", "云": "yun", "瀚": "han", "澜": "lan", "岚": "lan", "朔": "shuo", "砚": "yan", "澄": "cheng",
    "霁": "ji", "珩": "heng", "屿": "yu", "衡": "heng", "曜": "yao", "穹": "qiong", "禾": "he", "樾": "yue",
    "沐": "mu", "栖": "qi", "嵘": "rong", "拓": "tuo", "锐": "rui", "启": "qi", "翊": "yi", "恒": "heng", "湛": "zhan",
}  # fmt: skip
BRAND_SECOND = {
    "河": "he", "桥": "qiao", "川": "chuan", "舟": "zhou", "序": "xu", "络": "luo", "岭": "ling", "域": "yu",
    "图": "tu", "林": "lin", "泽": "ze", "际": "ji", "格": "ge", "砾": "li", "谷": "gu", "汀": "ting", "野": "ye",
    "枢": "shu", "弈": "yi", "岸": "an", "屏": "ping", "棠": "tang", "洲": "zhou", "原": "yuan",
}  # fmt: skip

# traditional forms of the characters that the lists above use; what is not here looks the same in both scripts
TRADITIONAL = str.maketrans(
    "云岚霁屿荣嵘锐启恒桥络岭图泽际砾枢数据务网术机电材汽车医疗药应链连锁业环程筑饰装饮备软广苏汉庆"
    "岛宁无锡长门郑济东团责冷询资饰妆",
    "雲嵐霽嶼榮嶸銳啟恆橋絡嶺圖澤際礫樞數據務網術機電材汽車醫療藥應鏈連鎖業環程築飾裝飲備軟廣蘇漢慶"
    "島寧無錫長門鄭濟東團責冷詢資飾妝",
)

FAMILY_NAMES = {
    "王": "wang", "李": "li", "张": "zhang", "刘": "liu", "陈": "chen", "杨": "yang", "黄": "huang", "赵": "zhao",
    "吴": "wu", "周": "zhou", "徐": "xu", "孙": "sun", "马": "ma", "朱": "zhu", "胡": "hu", "郭": "guo", "何": "he",
    "林": "lin", "高": "gao", "罗": "luo", "郑": "zheng", "梁": "liang", "谢": "xie", "宋": "song", "唐": "tang",
    "许": "xu", "韩": "han", "冯": "feng", "邓": "deng", "曹": "cao", "彭": "peng", "曾": "zeng", "萧": "xiao",
    "田": "tian", "董": "dong", "潘": "pan", "袁": "yuan", "蔡": "cai", "蒋": "jiang", "余": "yu", "欧阳": "ouyang",
    "司徒": "situ", "诸葛": "zhuge",
}  # fmt: skip

# 䶮 needs four bytes in GB18030: readers that take the file for GBK stumble over it
GIVEN_CHARACTERS = {
    "伟": "wei", "芳": "fang", "敏": "min", "静": "jing", "磊": "lei", "洋": "yang", "艳": "yan", "勇": "yong",
    "军": "jun", "杰": "jie", "娟": "juan", "涛": "tao", "明": "ming", "超": "chao", "霞": "xia", "刚": "gang",
    "平": "ping", "辉": "hui", "玲": "ling", "鹏": "peng", "宇": "yu", "浩": "hao", "然": "ran", "子": "zi",
    "涵": "han", "欣": "xin", "怡": "yi", "晨": "chen", "佳": "jia", "琪": "qi", "博": "bo", "文": "wen", "思": "si",
    "远": "yuan", "志": "zhi", "强": "qiang", "雪": "xue", "梅": "mei", "嘉": "jia", "俊": "jun", "䶮": "yan",
}  # fmt: skip

ENGLISH_GIVEN = ("Kevin", "Grace", "Jason", "Vivian", "Leo", "Cindy", "Frank", "Helen")

STRANGER_TITLES = ("学生", "自由顾问", "产品经理", "咨询顾问", "记者", "")
STRANGER_COMPANIES = ("个人", "某高校", "无", "同行", "自由职业", "咨询公司")

ROADS = ("科创路", "示例大道", "样本街", "演示路", "虚构路", "模型大道")
# the vendor's own people, who try their site and their forms out
STAFF_DOMAIN = "shili-demo.cn"
STAFF_EMAILS = tuple(f"{name}@{STAFF_DOMAIN}" for name in ("qa1", "qa2", "marketing", "presales", "dev1", "dev2"))
FREE_MAIL = ("qq.com", "163.com", "126.com", "foxmail.com")


class Product(NamedTuple):
    """What the vendor of the sample world sells. `list_price` in CNY for one year."""

    product_id: str
    name: str
    family: str
    slug: str
    list_price: int


PRODUCTS = (
    Product("P01", "供应链协同云", "供应链", "supply-chain", 180_000),
    Product("P02", "客户数据平台", "营销", "customer-data", 260_000),
    Product("P03", "智能排产系统", "生产", "scheduling", 420_000),
    Product("P04", "费用管理云", "财务", "expense", 98_000),
    Product("P05", "数据集成中台", "数据", "data-hub", 360_000),
    Product("P06", "移动巡检", "生产", "inspection", 68_000),
)

COMPETITORS = ("友商甲", "友商乙", "友商丙")
LOST_REASONS = ("价格", "功能不符", "预算取消", "时机不合适", "选择友商", "内部反对", "需上级审批")
CHURN_REASONS = ("需求升级", "转向友商", "使用体验差")
