"""Persons beyond keys: likeness, what never merges, decisions by hand, night after night."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from persona_warehouse.identity.linkage import waterfall
from persona_warehouse.warehouse import connect
from tests.identity.conftest import World, groups


def offices(world: World) -> None:
    world.companies(
        k1={"name": "杭州星河智能科技有限公司", "domain": "xinghe.cn"},
        k2={"name": "苏州墨川数据服务有限公司", "domain": "mochuan.cn"},
    )


def test_a_remark_finds_its_person_when_only_one_is_meant(world: World) -> None:
    offices(world)
    world.contacts(
        a={"full_name": "李思远", "company_id": "k1", "email": "lisiyuan@xinghe.cn", "job_title": "采购经理"},
        b={"full_name": "陈思远", "company_id": "k1"},
        # two of one name in one house, known apart
        c={"full_name": "王芳", "company_id": "k2", "email": "wangfang@mochuan.cn", "phone": "13800000001"},
        d={"full_name": "王芳", "company_id": "k2", "email": "wangfang2@mochuan.cn", "phone": "13911112222"},
    )
    world.followers(
        o1={"remark": "李思远-星河-采购"},
        o2={"remark": "王芳-墨川"},
        o3={"remark": "李思远-墨川"},  # the name alone is not enough
        o4={"remark": "测试"},
        o5={},
        o6={},
    )
    world.resolve()
    assert groups(world.people()) == {"a o1", "b", "c", "d", "o2", "o3", "o4", "o5", "o6"}
    found = world.sql("select match_method, match_probability > 0.9 from identity.people where source_id = 'o1'")
    assert found == [("likeness", True)]
    links = world.sql("""select node_l, node_r, method from identity.links
                         where match_probability > 0.9 and 'crm|contacts|a' in (node_l, node_r) order by all""")
    assert links == [("crm|contacts|a", "wechat|followers|o1", "likeness")]


def test_a_brand_that_several_companies_bear_still_tells_of_a_person(world: World) -> None:
    world.companies(k1={"name": "深圳霁岭电子材料有限公司"}, k2={"name": "杭州霁岭食品有限公司"})
    world.contacts(a={"full_name": "李思远", "company_id": "k1"}, b={"full_name": "陈静怡", "company_id": "k1"})
    world.followers(o1={"remark": "李思远-霁岭"}, o2={"remark": "陈静怡-墨川"})
    world.resolve()
    assert groups(world.people()) == {"a o1", "b", "o2"}
    with connect(world.settings.warehouse_file) as connection:
        rows = waterfall(connection, "contact", "crm|contacts|a", "wechat|followers|o1")
    says = {row["step"]: row["says"] for row in rows}
    assert says["company"] == "same brand, one side tells no more of its company"


def test_names_in_both_scripts_and_mail_addresses_meet(world: World) -> None:
    offices(world)
    world.contacts(
        a={"full_name": "欧阳静怡", "company_id": "k1"},
        b={"full_name": "王总", "company_id": "k2", "email": "siyuan.wang@mochuan.cn"},
    )
    world.leads(
        x={"full_name": "Ouyang Jingyi", "company_name": "星河"},
        y={"full_name": "王思远", "company_name": "墨川数据"},
    )
    world.resolve()
    assert groups(world.people()) == {"a x", "b y"}


def test_nothing_that_is_shared_makes_two_people_one(world: World) -> None:
    offices(world)
    world.contacts(
        **{
            f"s{number:03}": {"full_name": f"员{chr(0x4E00 + number)}{chr(0x5E00 + 7 * number)}",
                              "phone": "13800138000", "company_id": "k1", "email": "all@xinghe.cn"}
            for number in range(40)
        },
        t1={"full_name": "测试", "company_id": "k1"},
        t2={"full_name": "测试", "company_id": "k1"},
        t3={"full_name": "🙂", "company_id": "k1"},
        t4={"full_name": "王", "company_id": "k1"},
        t5={"full_name": "无", "phone": "111", "company_id": "k1"},
        t6={"full_name": "无", "phone": "111", "company_id": "k1"},
    )  # fmt: skip
    world.visits(
        # one office, one address on the net, one device in the meeting room
        {"anonymous_id": "v1", "ip_address": "198.18.0.7", "email": "lin@xinghe.cn"},
        {"anonymous_id": "v2", "ip_address": "198.18.0.7", "email": "zhao@xinghe.cn"},
        {"anonymous_id": "room", "ip_address": "198.18.0.7", "email": "lin@xinghe.cn"},
        {"anonymous_id": "room", "ip_address": "198.18.0.7", "email": "zhao@xinghe.cn"},
    )
    world.resolve()
    people = world.people()
    assert len(people) == 48
    assert len(set(people.values())) == 48
    assert sorted(row[0] for row in world.sql("from identity.visitors")) == ["v1", "v2"]


def test_two_whole_names_that_disagree_are_two_people(world: World) -> None:
    offices(world)
    world.contacts(a={"full_name": "王思远", "company_id": "k1", "openid": "shared"})
    world.leads(x={"full_name": "王思进", "company_name": "星河智能科技", "job_title": "采购"})
    world.resolve()
    assert groups(world.people()) == {"a", "x"}


def test_who_changes_company_keeps_both_episodes(world: World) -> None:
    offices(world)
    world.contacts(
        a={"full_name": "李思远", "company_id": "k1", "phone": "13800000001", "created_at": "2026-01-05 00:00:00+00"},
        b={"full_name": "李思远", "company_id": "k2", "phone": "13800000001", "created_at": "2026-06-01 00:00:00+00",
           "updated_at": "2026-06-01 00:00:00+00"},
        c={"full_name": "陈晨", "company_id": "k1", "created_at": "2026-02-01 00:00:00+00"},
    )  # fmt: skip
    world.resolve(18)
    accounts, people = world.accounts(), world.people()
    assert people["a"] == people["b"]
    query = """select contact_id, account_id, valid_from::date::varchar, valid_to::date::varchar
               from identity.employments order by contact_id = ? desc, valid_from"""
    with connect(world.settings.warehouse_file) as connection:
        found = connection.execute(query, [people["a"]]).fetchall()
    assert found == [
        (people["a"], accounts["k1"], "2026-01-05", "2026-06-01"),
        (people["a"], accounts["k2"], "2026-06-01", None),
        (people["c"], accounts["k1"], "2026-02-01", None),
    ]
    # a record that moves in its place keeps what it was
    world.sql("""update staging.stg_crm__contacts set company_id = 'k2', updated_at = '2026-11-19 00:00:00+00'
                 where contact_id = 'c'""")
    world.resolve(20)
    moved = world.sql(f"""select account_id, valid_from::date::varchar, valid_to::date::varchar
                          from identity.employments where contact_id = '{people["c"]}' order by valid_from""")
    assert moved == [(accounts["k1"], "2026-02-01", "2026-11-19"), (accounts["k2"], "2026-11-19", None)]


def test_decisions_by_hand_beat_keys_and_likeness(world: World) -> None:
    offices(world)
    world.contacts(
        a={"full_name": "李思远", "email": "li@xinghe.cn"},
        b={"full_name": "李思远", "email": "li@xinghe.cn"},
        c={"full_name": "陈晨", "company_id": "k1"},
        d={"full_name": "陈晨", "company_id": "k1"},
        e={"full_name": "周明"},
        f={"full_name": "Zhou"},
    )
    decisions = (
        ("contact", "crm|contacts|a", "crm|contacts|b", "cannot_link"),
        ("contact", "crm|contacts|c", "crm|contacts|d", "cannot_link"),
        ("contact", "crm|contacts|e", "crm|contacts|f", "must_link"),
        ("contact", "crm|contacts|e", "crm|contacts|gone", "must_link"),
    )
    world.decide(*decisions)
    world.resolve()
    assert groups(world.people()) == {"a", "b", "c", "d", "e f"}
    world.decide(*decisions[2:])
    world.resolve(21)
    assert groups(world.people()) == {"a b", "c d", "e f"}


def test_a_pair_is_explained(world: World) -> None:
    offices(world)
    world.contacts(a={"full_name": "李思远", "company_id": "k1"})
    world.followers(o1={"remark": "李思远-星河"})
    world.resolve()
    with connect(world.settings.warehouse_file) as connection:
        rows = waterfall(connection, "contact", "crm|contacts|a", "wechat|followers|o1")
        assert waterfall(connection, "contact", "crm|contacts|a", "nobody") == []
        likeness = "select match_weight from identity.links where method = 'likeness' and entity = 'contact'"
        kept = connection.execute(likeness).fetchone()
    says = {row["step"]: row["says"] for row in rows}
    assert (says["name"], says["company"], says["email"]) == ("same name", "same company", None)
    assert kept is not None
    assert rows[-1]["step"] == "sum"
    assert rows[-1]["weight"] == pytest.approx(kept[0]) == pytest.approx(sum(row["weight"] for row in rows[:-1]))


# --- night after night


def crowd() -> list[tuple[str, str, dict[str, Any]]]:
    """(object, id, row) of some people in several records, of near names and of nobody."""
    rows: list[tuple[str, str, dict[str, Any]]] = []
    names = ("李思远", "陈静怡", "王博文", "赵一鸣", "李思源", "Kevin Smith")
    for number, name in enumerate(names):
        company = f"k{1 + number % 2}"
        rows.append(("contacts", f"c{number}", {"full_name": name, "company_id": company}))
        rows.append(
            ("leads", f"l{number}", {"full_name": name, "company_name": "星河智能" if company == "k1" else "墨川数据"})
        )
        rows.append(("followers", f"o{number}", {"remark": f"{name}-{'星河' if company == 'k1' else '墨川'}"}))
    rows.append(("contacts", "c9", {"full_name": "王芳"}))
    return rows


def stage(world: World, rows: list[tuple[str, str, dict[str, Any]]]) -> None:
    for name, key, row in rows:
        getattr(world, name)(**{key: row})


def test_night_after_night_gives_what_one_night_gives(make_world: Callable[[str], World]) -> None:
    rows = crowd()
    once, slowly, shuffled = make_world("once"), make_world("slowly"), make_world("shuffled")
    for world in (once, slowly, shuffled):
        offices(world)
    stage(once, rows)
    once.resolve(20)
    mixed = random.Random(5).sample(rows, len(rows))
    stage(shuffled, mixed)
    shuffled.resolve(20)
    for day, part in enumerate((mixed[:7], mixed[7:8], mixed[8:])):
        stage(slowly, part)
        slowly.resolve(17 + day)
    expected = groups(once.people())
    assert {"c0 l0 o0", "c3 l3 o3", "c9"} <= expected
    assert groups(slowly.people()) == expected
    links = "select node_l, node_r, method, round(match_weight, 9), names from identity.links order by all"
    assert once.sql(links) == slowly.sql(links) == shuffled.sql(links)
    assert once.everything()["people"] == shuffled.everything()["people"]


def test_only_what_changed_is_compared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from persona_warehouse.identity import person_links

    offices(world)
    stage(world, crowd())
    world.resolve(18)
    compared: list[list[str]] = []
    usual = person_links.linkage.score

    def score(connection: Any, *arguments: Any, **options: Any) -> None:
        if options.get("new") == "changed_people":
            compared.append([row[0] for row in connection.execute("from changed_people order by all").fetchall()])
        usual(connection, *arguments, **options)

    monkeypatch.setattr(person_links.linkage, "score", score)
    world.resolve(19)
    assert compared == []
    world.leads(new={"full_name": "王芳", "company_name": "星河智能"})
    world.sql("update staging.stg_crm__leads set full_name = '赵一铭' where lead_id = 'l3'")
    world.resolve(20)
    assert compared == [["crm|leads|l3", "crm|leads|new"]]
