"""Who is one company: keys, names, guards, short names, and what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.recognise.company_words import place_of, sections_of, sound_of
from persona_warehouse.warehouse import connect
from tests.identity.conftest import World, groups

CODES = ("91110000600037341L", "91440300708461136T")


def named(world: World) -> set[str]:
    """Groups of companies and of what leads and others name, by their ids."""
    return groups({**world.accounts(), **world.mentions()})


def companies(world: World, **names: str) -> None:
    world.companies(**{one: {"name": name} for one, name in names.items()})


def leads(world: World, **names: str) -> None:
    world.leads(**{one: {"company_name": name} for one, name in names.items()})


def test_one_registered_name_in_any_writing(world: World) -> None:
    companies(world, a="上海辰远智能装备有限公司", b="辰远智能装备（上海）有限公司", other="上海广业智慧物流有限公司")
    leads(
        world,
        traditional="上海辰遠智能裝備有限公司",
        wide="　上海辰远智能装备有限公司（筹）",
        slip="上海辰远智能备装有限公司",
        form="上海辰远智能装备有限公公",
        english="Shanghai Chenyuan Intelligent Equipment Co., Ltd.",
    )
    world.resolve()
    assert named(world) == {"a b english form slip traditional wide", "other"}


def test_a_short_name_joins_the_one_company_it_fits(world: World) -> None:
    companies(
        world,
        a="上海辰远智能装备有限公司",
        b="上海广业智慧物流有限公司", c="北京广业网络科技有限公司",
        d="杭州森屿餐饮管理有限公司",
    )  # fmt: skip
    leads(world, a1="辰远智能", a2="辰远", b1="广业物流", both="广业", d1="餐饮", d2="森屿餐管", e="云杉科技", f="云杉")
    world.resolve()
    # 广业 may be either: unsure is separate; 云杉 is nobody's whole name, and one company all the same
    assert named(world) == {"a a1 a2", "b b1", "both", "c", "d d2", "d1", "e f"}


def test_names_that_are_none_join_nobody(world: World) -> None:
    bad = ("", " ", "测试", "无", "111", "甲", "公司", "有限公司", "test", "-", "N/A")
    world.companies(**{f"k{number}": {"name": name} for number, name in enumerate(bad * 2)})
    world.leads(**{f"l{number}": {"company_name": name} for number, name in enumerate(bad * 2)})
    world.resolve()
    assert named(world) == {f"k{number}" for number in range(2 * len(bad))}


def test_a_place_may_be_missing_but_not_contradict(world: World) -> None:
    companies(world, a="上海辰远智能装备有限公司", b="北京辰远智能装备有限公司", c="辰远智能装备有限公司")
    companies(world, d="深圳森屿餐饮管理有限公司", e="森屿餐饮管理有限公司")
    world.resolve()
    assert named(world) == {"a", "b", "c", "d e"}


def test_a_key_in_common_outweighs_another_place(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        b={"name": "苏州辰远智能装备有限公司", "domain": "chenyuan.cn"},
    )
    world.resolve()
    assert named(world) == {"a b"}


def test_same_brand_and_place_in_another_trade_is_another_company(world: World) -> None:
    companies(world, a="上海辰远智能装备有限公司", b="上海辰远物业管理有限公司", c="上海辰星智能装备有限公司")
    world.resolve()
    assert named(world) == {"a", "b", "c"}


def test_a_branch_is_a_child(world: World) -> None:
    companies(world, a="上海辰远智能装备有限公司", b="上海辰远智能装备有限公司苏州分公司")
    world.companies(c={"name": "上海辰远智能装备有限公司北京分公司", "domain": "chenyuan.cn"})
    world.companies(d={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"})
    leads(world, b1="辰远智能装备苏州分公司", a1="辰远智能装备")
    world.resolve()
    assert named(world) == {"a a1 d", "b b1", "c"}
    ids = world.accounts()
    parents = world.sql("select account_id, parent_account_id, method from identity.account_parents order by all")
    assert parents == sorted([(ids["b"], ids["a"], "branch"), (ids["c"], ids["a"], "branch")])


def test_two_codes_are_two_companies(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "uscc": CODES[0]},
        b={"name": "上海辰远智能装备有限公司", "uscc": CODES[1]},
        c={"name": "森屿餐饮", "uscc": CODES[0].lower()},
    )
    # which of the two is meant nobody knows
    leads(world, which="上海辰远智能装备有限公司")
    world.resolve()
    assert named(world) == {"a c", "b", "which"}


def test_a_free_mail_domain_is_no_key_and_a_mailbox_of_another_company_neither(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        b={"name": "杭州森屿餐饮管理有限公司"},
    )
    world.leads(
        x={"company_name": "云杉科技", "email": "wang@qq.com"},
        y={"company_name": "白桦咨询", "email": "li@qq.com"},
        # changed employers and kept the mailbox
        z={"company_name": "森屿餐饮", "email": "zhao@chenyuan.cn"},
        w={"company_name": "CY", "email": "qian@chenyuan.cn"},
    )
    world.resolve()
    assert named(world) == {"a chenyuan.cn w", "b z", "x", "y"}


def test_the_domain_that_a_companys_people_write_from_is_its_own(world: World) -> None:
    world.companies(a={"name": "上海辰远智能装备有限公司"}, b={"name": "森屿餐饮"}, c={"name": "白桦咨询"})
    world.contacts(
        p={"company_id": "a", "email": "wang@cy-group.cn"},
        # one mailbox, two companies
        q={"company_id": "b", "email": "zhao@agency.cn"},
        r={"company_id": "c", "email": "qian@agency.cn"},
    )
    world.leads(l={"company_name": "CY", "email": "li@cy-group.cn"}, m={"email": "sun@agency.cn"})
    world.resolve()
    assert named(world) == {"a cy-group.cn l", "agency.cn", "b", "c"}


def test_remarks_and_enrichment_join_but_make_no_account(world: World) -> None:
    world.companies(a={"name": "上海辰远智能装备有限公司"}, b={"name": "森屿餐饮", "uscc": CODES[0]})
    world.followers(o1={"remark": "李思远-辰远智能-采购"}, o2={"remark": "王芳-白桦咨询"})
    world.add(
        "company_enrichment",
        {"company_name": "上海辰远智能装备有限公司", "attribute": "city", "value": "上海"},
        {"uscc": CODES[0], "attribute": "city", "value": "北京"},
        {"company_name": "上海广业智慧物流有限公司", "attribute": "city", "value": "上海"},
        {"company_id": "a", "uscc": CODES[1], "attribute": "city", "value": "上海"},
    )
    world.resolve()
    assert named(world) == {"a o1 上海辰远智能装备有限公司", f"{CODES[0]} b"}
    # a code that enrichment gives is the company's
    assert world.sql("select uscc from identity.companies where source_id = 'a'") == [(CODES[1],)]


def test_records_say_by_what_and_how_surely(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        b={"name": "辰远", "domain": "chenyuan.cn"},
        c={"name": "森屿餐饮"},
    )
    leads(world, l="辰远智能", m="森屿餐饮", n="森屿餐饮")
    world.resolve()
    rows = world.sql("select source_id, match_method, match_probability from identity.companies")
    methods = {source: (method, round(probability, 2)) for source, method, probability in rows}
    assert methods["a"] == methods["b"] == ("domain", 1.0)
    assert methods["l"][0] == "likeness"
    assert 0.9 < methods["l"][1] < 1
    assert methods["m"] == methods["n"] == ("same name", 0.99)
    assert methods["c"][0] == "likeness"


# --- parents


def test_a_ring_of_parents_is_cut_at_its_youngest_edge_and_reported(world: World) -> None:
    world.companies(
        a={"name": "甲一集团有限公司", "parent_company_id": "c", "updated_at": "2026-03-01 00:00:00+00"},
        b={"name": "乙二智能科技有限公司", "parent_company_id": "a", "updated_at": "2026-01-01 00:00:00+00"},
        c={"name": "丙三物流有限公司", "parent_company_id": "b", "updated_at": "2026-02-01 00:00:00+00"},
        d={"name": "丁四餐饮有限公司", "parent_company_id": "c", "updated_at": "2026-04-01 00:00:00+00"},
        own={"name": "戊五咨询有限公司", "parent_company_id": "own"},
        lost={"name": "己六服饰有限公司", "parent_company_id": "unknown"},
    )
    world.resolve()
    ids = {account: source for source, account in world.accounts().items()}
    parents = world.sql("select account_id, parent_account_id from identity.account_parents")
    assert {(ids[child], ids[parent]) for child, parent in parents} == {("b", "a"), ("c", "b"), ("d", "c")}
    kind, subject, detail = world.sql("from identity.problems")[0]
    assert (kind, ids[subject]) == ("ring of parents", "a")
    assert set(detail.split("ring of ")[1].split(", ")) == {one for one, source in ids.items() if source in "abc"}
    world.sql("update staging.stg_crm__companies set parent_company_id = null where company_id = 'c'")
    world.resolve(21)
    assert world.sql("from identity.problems") == []


# --- night after night


def market(world: World) -> None:
    """Companies of near names in several records."""
    brands = ("辰远", "森屿", "广业", "白桦", "云杉")
    trades = ("智能装备", "餐饮管理", "智慧物流")
    for at, brand in enumerate(brands):
        for number, trade in enumerate(trades[: 1 + at % 3]):
            place = ("上海", "北京", "深圳")[(at + number) % 3]
            world.companies(**{f"k{at}{number}": {"name": f"{place}{brand}{trade}有限公司"}})
            world.leads(
                **{
                    f"l{at}{number}": {"company_name": f"{brand}{trade}"},
                    f"m{at}{number}": {"company_name": f"{brand}{trade[:2]}"},
                }
            )
        world.leads(**{f"n{at}": {"company_name": brand}})


def test_the_order_of_records_changes_nothing(make_world: Callable[[str], World]) -> None:
    found = []
    for name, order in (("one", "asc"), ("other", "desc")):
        world = make_world(name)
        market(world)
        world.stage()
        with connect(world.settings.warehouse_file) as connection:
            for stream in STREAMS:
                for each in objects(stream):
                    table = f"staging.stg_{stream}__{each}"
                    connection.execute(f"create or replace table {table} as from {table} order by all {order}")
        world.resolve(20)
        links = world.sql(
            "select * replace (round(match_weight, 6) as match_weight, "
            "round(match_probability, 6) as match_probability) from identity.links order by all"
        )
        found.append((world.everything(), links))
    assert found[0] == found[1]


def test_night_after_night_gives_what_one_night_gives(make_world: Callable[[str], World]) -> None:
    once, nightly = make_world("once"), make_world("nightly")
    market(once)
    market(nightly)
    waiting, nightly.waiting = nightly.waiting, []
    for night in range(3):
        nightly.waiting = waiting[night::3]
        nightly.resolve(18 + night)
    once.resolve(20)
    assert named(nightly) == named(once)
    methods = "select identity_key, match_method, round(match_probability, 6) from identity.companies order by all"
    assert nightly.sql(methods) == once.sql(methods)


def test_a_night_without_news_compares_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    market(world)
    world.resolve(19)
    before = world.everything()

    def never(*arguments: Any, **more: Any) -> None:
        raise AssertionError("nothing is to be compared")

    monkeypatch.setattr("persona_warehouse.identity.linkage.score", never)
    world.resolve(20)
    assert world.everything() == before


def test_only_what_is_new_is_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from persona_warehouse.identity import linkage

    market(world)
    world.resolve(19)
    asked: list[str | None] = []
    score = linkage.score

    def noted(connection: Any, model: Any, table: str, out: str, **more: Any) -> None:
        if table == "identity.account_features" and more.get("pairs") is None:
            asked.append(more["new"])
            assert connection.execute(f"from {more['new']} order by all").fetchall() == [
                ("derived|lead_companies|new",)
            ]
        score(connection, model, table, out, **more)

    monkeypatch.setattr(linkage, "score", noted)
    world.leads(new={"company_name": "辰远装备"})
    world.resolve(20)
    assert asked == ["changed_records"]
    assert world.mentions()["new"] == world.accounts()["k00"]


# --- what is read of a name


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("上海", ("310000", "310100")),
        ("shanghai", ("310000", "310100")),
        ("深圳市", ("440000", "440300")),
        ("广东", ("440000", None)),
        # a province and its city bear one name: the wider one is sure
        ("吉林", ("220000", None)),
        # a district of many cities
        ("鼓楼区", (None, None)),
        ("某地", (None, None)),
    ],
)
def test_a_place_has_its_codes(name: str, codes: tuple[str | None, str | None]) -> None:
    assert place_of(name) == codes


def test_brands_sound_alike_in_both_scripts() -> None:
    assert sound_of("辰远") == ("chenyuan", "chenyuan")
    assert sound_of("Chen Yuan") == ("chenyuan", "chen")
    assert sound_of("chenyuan smart") == ("chenyuansmart", "chenyuan")
    assert sections_of("智能装备") == (["C", "I"],)
    assert sections_of("intelligent equipment") == (["C", "I"],)
    assert sections_of("某某") == (None,)


def test_a_bare_brand_fits_companies_that_only_their_branches_or_english_names_tell_of(world: World) -> None:
    companies(
        world,
        a="上海辰远智能装备有限公司",
        b="武汉辰远物流有限公司成都分公司",
        c="杭州森屿餐饮管理有限公司",
        d="Suzhou Senyu Logistics Co., Ltd.",
        e="深圳云杉软件有限公司",
        f="深圳云杉软件有限公司广州分公司",
    )
    leads(world, x="辰远", y="森屿", z="云杉")
    world.resolve()
    assert named(world) == {"a", "b", "c", "d", "e z", "f", "x", "y"}
