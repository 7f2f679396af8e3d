"""Company names taken apart, and found in a list."""

from __future__ import annotations

import pyarrow as pa
import pytest

from persona_warehouse.recognise.companies import parse_companies
from persona_warehouse.recognise.company_match import match_companies


def parsed(name: str | None) -> tuple[str | None, ...]:
    found = parse_companies(pa.array([name], pa.string()))
    return tuple(found[column][0].as_py() for column in ("place", "brand", "trade", "legal_form", "branch"))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("杭州墨川数据服务有限公司", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("墨川(杭州)数据服务有限公司", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("墨川（杭州）數據服務有限公司", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("　杭州墨川数据服务有限公司 ", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("浙江省杭州市滨江区墨川数据有限公司", ("杭州", "墨川", "数据", "有限公司", None)),
        ("杭州墨川数据服务有限公司宁波分公司", ("杭州", "墨川", "数据服务", "有限公司", "宁波分公司")),
        ("墨川集团有限公司", (None, "墨川", None, "集团有限公司", None)),
        ("墨川数据(集团)股份有限公司", (None, "墨川", "数据", "集团股份有限公司", None)),
        ("墨川数据", (None, "墨川", "数据", None, None)),
        ("墨川", (None, "墨川", None, None, None)),
        # a place and a trade and nothing else: this is what it is called
        ("中国银行股份有限公司", ("中国", "中国银行", None, "股份有限公司", None)),
        ("浙江大学", (None, "浙江大学", None, None, None)),
        # a county's short name is a brand when too little would be left
        ("和平鸟服饰有限公司", (None, "和平鸟", "服饰", "有限公司", None)),
        # a district is no place in front of a brand, and a second place lies in the first
        ("重庆长安汽车股份有限公司", ("重庆", "长安", "汽车", "股份有限公司", None)),
        ("墨川会计师事务所(特殊普通合伙)", (None, "墨川", None, "会计师事务所特殊普通合伙", None)),
        ("Hangzhou Mochuan Data Services Co., Ltd.", ("hangzhou", "mochuan", "data services", "co. ltd", None)),
        (
            "Hangzhou Mochuan Data Services Co., Ltd. Ningbo Branch",
            ("hangzhou", "mochuan", "data services", "co. ltd", "ningbo branch"),
        ),
        # what lies in the place goes with it: a district without 区, a town, a zone; as long as a brand is left
        ("宁波鄞州岚图塑料有限公司", ("宁波", "岚图", "塑料", "有限公司", None)),
        ("东莞市虎门镇岚图服饰有限公司", ("东莞", "岚图", "服饰", "有限公司", None)),
        ("合肥高新技术产业开发区岚图光电有限公司", ("合肥", "岚图", "光电", "有限公司", None)),
        ("苏州工业园区岚图光电有限公司", ("苏州", "岚图", "光电", "有限公司", None)),
        ("深圳前海岚图供应链有限公司", ("深圳", "岚图", "供应链", "有限公司", None)),
        ("杭州西湖电子有限公司", ("杭州", "西湖", "电子", "有限公司", None)),
        ("深圳岚图小镇餐饮有限公司", ("深圳", "岚图小镇", "餐饮", "有限公司", None)),
        # the country behind the brand, and a partnership of a trade
        ("岚图咖啡中国有限公司", ("中国", "岚图", "咖啡", "有限公司", None)),
        ("宁波岚图股权投资合伙企业（有限合伙）", ("宁波", "岚图", "股权投资", "合伙企业有限合伙", None)),
        # one sign that is a legal form ends brands and trades too
        ("岚图坊", (None, "岚图坊", None, None, None)),
        ("岚图银行", (None, "岚图", "银行", None, None)),
        ("岚图记饼铺", (None, "岚图记饼", None, "铺", None)),
        ("Lantu Bearings (Ningbo) Co., Ltd.", ("ningbo", "lantu", "bearings", "co. ltd", None)),
        ("Lantu Seisakusho Kabushiki Kaisha", (None, "lantu seisakusho", None, "kabushiki kaisha", None)),
        # the legal form with a slip
        ("杭州墨川数据服务有限公公", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("杭州墨川数据服务有公限司", ("杭州", "墨川", "数据服务", "有限公司", None)),
        ("杭州墨川数据服务有限责任公司", ("杭州", "墨川", "数据服务", "有限责任公司", None)),
        ("墨川数据无限公司", (None, "墨川", "数据", "无限公司", None)),
        ("Mochuan Inc. (Class A)", (None, "mochuan", None, "inc", None)),
        ("The Mochuan Company", (None, "mochuan", None, "company", None)),
    ],
)
def test_a_name_is_taken_apart(name: str, parts: tuple[str | None, ...]) -> None:
    assert parsed(name) == parts


@pytest.mark.parametrize(
    "name", [None, "", "无", "测试", "111", "个人", "x", "test", "-", "xxx公司", "（宁波）有限公司", "集团有限公司"]
)
def test_what_is_no_company_has_no_brand_and_no_key(name: str | None) -> None:
    found = parse_companies(pa.array([name], pa.string()))
    assert found["brand"].null_count == found["key"].null_count == 1


def test_ways_to_write_one_name_have_one_key() -> None:
    ways = [
        "杭州墨川数据服务有限公司",
        "墨川(杭州)数据服务有限公司",
        "墨川（杭州）數據服務股份有限公司",
        "杭州市墨川数据服务公司",
    ]
    keys = parse_companies(pa.array(ways))["key"]
    assert keys.unique().to_pylist() == ["墨川|数据服务|杭州|"]
    assert parse_companies(pa.array(["苏州墨川数据服务有限公司"]))["key"][0] != keys[0]


LISTED = [
    "杭州墨川数据服务有限公司", "苏州墨川数据服务有限公司", "杭州墨川精密机械有限公司", "宁波岚图供应链管理有限公司",
    "Hangzhou Mochuan Data Services Co., Ltd.", "成都青禾生物科技股份有限公司",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("岚图供应链", "宁波岚图供应链管理有限公司"),
        ("岚图", "宁波岚图供应链管理有限公司"),
        ("嵐圖", "宁波岚图供应链管理有限公司"),
        ("宁波岚图供应链管理公司", "宁波岚图供应链管理有限公司"),
        ("苏州墨川", "苏州墨川数据服务有限公司"),
        ("杭州墨川机械", "杭州墨川精密机械有限公司"),
        ("Mochuan", "Hangzhou Mochuan Data Services Co., Ltd."),
        ("青禾生物", "成都青禾生物科技股份有限公司"),
        # several fit as well, none fits, a place contradicts
        ("墨川", None),
        ("墨川数据", None),
        ("天空之城", None),
        ("测试", None),
        ("上海青禾生物", None),
    ],
)
def test_a_short_name_finds_its_full_one_or_none(name: str, best: str | None) -> None:
    found = match_companies(pa.array([name]), pa.array(LISTED)).columns
    assert found["best_match"][0].as_py() == best


NAMESAKES = [
    "岚图科技集团有限公司", "岚图置业有限公司", "浙江岚图新材料股份有限公司", "苏州岚图精密机械有限公司",
    "苏州岚图精密机械有限公司北京分公司", "岚图海洋装备有限公司", "云帆达电子有限公司", "贵州省仁怀市醉乡酒业有限公司",
    "武汉锐格自动化设备有限公司", "上海锐格餐饮管理有限公司",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "best"),
    [
        # the brand alone names all who have it; with a trade or a place it is one
        ("岚图", None),
        ("岚图置业", "岚图置业有限公司"),
        ("浙江岚图", "浙江岚图新材料股份有限公司"),
        # a place that contradicts is another company, a place within the other is none that contradicts
        ("无锡岚图精密机械有限公司", None),
        ("昆山岚图精密机械", "苏州岚图精密机械有限公司"),
        ("贵州醉乡酒业", "贵州省仁怀市醉乡酒业有限公司"),
        # a branch is not the company, nor another branch
        ("苏州岚图精密机械有限公司北京分公司", "苏州岚图精密机械有限公司北京分公司"),
        ("苏州岚图精密机械有限公司广州分公司", None),
        ("苏州岚图精密机械", "苏州岚图精密机械有限公司"),
        # a sign less is another brand
        ("云帆电子", None),
        # across scripts brand and trade or place must agree
        ("Wuhan Ruige Automation Equipment Co., Ltd.", "武汉锐格自动化设备有限公司"),
        ("Ruige Catering", "上海锐格餐饮管理有限公司"),
        ("Ruige", None),
        ("Chengdu Ruige Automation", None),
    ],
)
def test_namesakes_are_told_apart(name: str, best: str | None) -> None:
    found = match_companies(pa.array([name]), pa.array(NAMESAKES)).columns
    assert found["best_match"][0].as_py() == best


def test_the_order_of_rows_changes_no_match() -> None:
    names = ["岚图", "墨川数据", "青禾", "Mochuan"]
    one = match_companies(pa.array(names), pa.array(LISTED)).columns["best_match"].to_pylist()
    other = match_companies(pa.array(names[::-1]), pa.array(LISTED[::-1])).columns["best_match"].to_pylist()
    assert one == other[::-1]
