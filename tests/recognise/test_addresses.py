"""Addresses to divisions."""

from __future__ import annotations

import pytest

from persona_warehouse.recognise.addresses import read_address
from persona_warehouse.recognise.regions import regions


@pytest.mark.parametrize(
    ("address", "codes"),
    [
        ("浙江省杭州市滨江区网商路599号", ("330000", "330100", "330108")),
        ("杭州滨江网商路599号", ("330000", "330100", "330108")),
        ("長春市朝陽區", ("220000", "220100", "220104")),
        ("吉林省吉林市船营区", ("220000", "220200", "220204")),
        ("江苏昆山花桥", ("320000", "320500", "320583")),
        ("上海浦东新区世纪大道", ("310000", "310100", "310115")),
        ("东莞市长安镇", ("440000", "441900", None)),
        ("内蒙古自治区包头市", ("150000", "150200", None)),
        ("湖北恩施", ("420000", "422800", "422801")),
        ("香港湾仔", ("810000", None, None)),
        # a city and not the county that has its name, unless the county is meant
        ("湖南 长沙", ("430000", "430100", None)),
        ("湖南省长沙县星沙街道", ("430000", "430100", "430121")),
        # a division that was joined to another is found under its old name
        ("北京市宣武区", ("110000", "110100", "110102")),
        ("湖北省襄樊市", ("420000", "420600", None)),
        # streets and buildings named after places
        ("上海市北京西路100号", ("310000", "310100", None)),
        ("广州市天河区上海大厦", ("440000", "440100", "440106")),
        # the front goes before the end
        ("深圳市南山区科技园(北京分公司旧址)", ("440000", "440300", "440305")),
        ("Pudong, Shanghai, China", ("310000", "310100", "310115")),
        ("Ningbo, Zhejiang", ("330000", "330200", None)),
        # districts in Pinyin, with and without their kind, where the place above them is named
        ("No. 8 Jianshe Rd, Wuhou District, Chengdu", ("510000", "510100", "510107")),
        ("Chaoyang Dist., Changchun", ("220000", "220100", "220104")),
        ("hongshan, wuhan", ("420000", "420100", "420111")),
        ("Deqing County, Huzhou, Zhejiang", ("330000", "330500", "330521")),
        # a street has the name of a city
        ("5 Nanjing Road, Hefei", ("340000", "340100", None)),
        # a province and a city in it have one name
        ("吉林", ("220000", None, None)),
        ("海南", ("460000", None, None)),
        # roads and buildings at home that are named after what lies abroad
        ("巴黎花园酒店，深圳市罗湖区", ("440000", "440300", "440303")),
        ("青岛市市南区东京路3号", ("370000", "370200", "370202")),
    ],
)
def test_an_address_is_placed(address: str, codes: tuple[str | None, ...]) -> None:
    found = read_address(address)
    assert (found.province_code, found.city_code, found.district_code) == codes


@pytest.mark.parametrize(
    "address",
    [None, "", "无", "鼓楼区中山路1号", "北京路88号", "科技园A座", "Main Street 5", "韩国首尔江南区",
    "首尔江南区", "东京都港区", "12 Nanjing Road, Singapore", "Chaoyang Apartments, Boston", "Hongshan"],
)  # fmt: skip
def test_what_fits_several_places_or_none_stays_open(address: str | None) -> None:
    found = read_address(address)
    assert (found.province_code, found.confidence) == (None, 0.0)


def test_the_divisions_are_whole() -> None:
    all_of_them = regions()
    codes = [region.code for region in all_of_them if region.level != "district"]
    assert len([region for region in all_of_them if region.level == "province"]) == 34
    assert len(codes) == len(set(codes))
    assert all(len(region.code) == 6 and region.code.isdigit() for region in all_of_them)
    assert all(region.city_code and region.city for region in all_of_them if region.level == "district")
