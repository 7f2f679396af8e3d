"""Companies by their names, where no key joins them."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.identity.conftest import World


def accounts(world: World, **companies: dict[str, str]) -> dict[str, str]:
    """Company id -> account, after a night."""
    world.companies(**companies)
    world.resolve(20)
    return world.accounts()


def test_ways_to_write_one_registered_name_are_one_company(world: World) -> None:
    found = accounts(
        world,
        a={"name": "杭州墨川数据服务有限公司"},
        b={"name": "墨川(杭州)數據服務有限公司"},
        c={"name": "杭州市墨川数据服务公司"},
        d={"name": "宁波岚图供应链管理有限公司"},
    )
    assert found["a"] == found["b"] == found["c"] != found["d"]
    methods = world.sql("select distinct match_method from identity.companies where source_id in ('a', 'b', 'c')")
    assert methods == [("likeness",)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # a place may be missing, but not contradict
        ({"name": "杭州墨川数据服务有限公司"}, {"name": "苏州墨川数据服务有限公司"}),
        # a branch is a child
        ({"name": "杭州墨川数据服务有限公司"}, {"name": "杭州墨川数据服务有限公司宁波分公司"}),
        # another trade
        ({"name": "杭州墨川数据服务有限公司"}, {"name": "杭州墨川精密机械有限公司"}),
        # another brand
        ({"name": "杭州墨川数据服务有限公司"}, {"name": "杭州青禾数据服务有限公司"}),
        # valid credit codes that differ
        (
            {"name": "杭州墨川数据服务有限公司", "uscc": "91330108047N11N62H"},
            {"name": "杭州墨川数据服务有限公司", "uscc": "913302128918DJ3Q53"},
        ),
    ],
)
def test_what_contradicts_keeps_companies_apart(world: World, one: dict[str, str], other: dict[str, str]) -> None:
    found = accounts(world, a=one, b=other)
    assert found["a"] != found["b"]


def test_what_is_no_name_joins_nobody(world: World) -> None:
    found = accounts(
        world, a={"name": "测试"}, b={"name": "测试"}, c={"name": "无"}, d={"name": "无"}, e={"name": "111"}
    )
    assert len(set(found.values())) == 5


def test_a_short_name_that_fits_two_companies_joins_neither(world: World) -> None:
    found = accounts(
        world,
        a={"name": "杭州墨川数据服务有限公司"},
        b={"name": "苏州墨川数据服务有限公司"},
        c={"name": "墨川数据"},
    )
    assert len(set(found.values())) == 3


def test_the_order_of_records_changes_nothing(world: World) -> None:
    names = {"a": "杭州墨川数据服务有限公司", "b": "墨川(杭州)数据服务有限公司", "c": "苏州墨川数据服务有限公司"}
    seen = set()
    for order in permutations(names):
        world.sql("delete from staging.stg_crm__companies")
        world.sql("drop schema if exists identity cascade")
        found = accounts(world, **{one: {"name": names[one]} for one in order})
        seen.add((found["a"] == found["b"], found["a"] == found["c"]))
    assert seen == {(True, False)}
