"""Who is who, from staged records: what links, what does not, and what stays the same the next night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from persona_warehouse import memory
from persona_warehouse.errors import PersonaError
from persona_warehouse.identity import resolve as module
from persona_warehouse.identity.resolve import IdentityCounts
from persona_warehouse.landing.contract import STREAMS, objects
from persona_warehouse.warehouse import connect
from tests.identity.conftest import World, groups

# credit codes with right check digits
CODES = ("91110000600037341L", "91440300708461136T")


# --- persons


def test_an_empty_world(world: World) -> None:
    assert world.resolve() == IdentityCounts(0, 0, 0, 0)
    assert set(map(len, world.everything().values())) == {0}
    assert world.resolve() == IdentityCounts(0, 0, 0, 0)


def test_each_key_links_in_any_spelling(world: World) -> None:
    world.contacts(
        c1={"full_name": "王芳", "email": "Wang.Fang@Example.com"},
        c2={"full_name": "李雷", "phone": "138-1234-5678"},
        c3={"full_name": "韩梅", "unionid": "union3"},
        c4={"full_name": "周明", "openid": "open4"},
        c5={"full_name": "吴刚", "email": "wu@example.com", "phone": "13900000005"},
        c6={"full_name": "无名"},
    )
    world.leads(
        l1={"full_name": "王 芳", "email": "wang.fang@example.com "},
        l2={"full_name": "李雷", "phone": "+86 13812345678"},
        l5={"full_name": "吴刚", "phone": "0086 139 0000 0005"},
        l6={"full_name": "无名"},  # a name is no key
    )
    world.followers(open3={"unionid": "union3"}, open4={}, open9={"unionid": "union9"})
    world.visits(
        {"anonymous_id": "v5", "user_id": "u5", "email": "WU@example.com"},
        {"anonymous_id": "v5", "user_id": "u5"},
        {"anonymous_id": "v4", "openid": "open4", "user_id": "u4"},
    )
    counts = world.resolve()
    assert counts.person_records == 16
    assert counts.contacts == 8
    names = dict(world.sql("select identity_key, contact_id from identity.people"))
    assert groups({key.partition("|")[2]: one for key, one in names.items()}) == {
        "contacts|c1 leads|l1",
        "contacts|c2 leads|l2",
        "contacts|c3 followers|open3",
        "contacts|c4 followers|open4 users|u4|||open4",
        "contacts|c5 leads|l5 users|u5|WU@example.com|| users|u5|||",
        "contacts|c6",
        "leads|l6",
        "followers|open9",
    }
    methods = dict(world.sql("select source_id, match_method from identity.people where source_system = 'crm'"))
    assert (methods["c1"], methods["c2"], methods["c3"], methods["c6"]) == (
        "email",
        "phone",
        "unionid",
        "single record",
    )
    assert methods["c5"] == "email, phone"
    assert str(counts) == "1 company records → 1 accounts, 16 person records → 8 contacts"  # example.com


def test_a_shared_phone_links_nobody(world: World) -> None:
    world.contacts(
        # two names
        a1={"full_name": "王芳", "phone": "13800000001"},
        a2={"full_name": "李雷", "phone": "13800000001"},
        # one name, two mailboxes
        b1={"full_name": "张伟", "phone": "13800000002", "email": "zhang.wei@example.com"},
        b2={"full_name": "张伟", "phone": "13800000002", "email": "wei.zhang@example.com"},
        # five records without a name
        **{f"c{number}": {"phone": "13800000003"} for number in range(5)},
        # one name in another case and spacing
        d1={"full_name": "Wang Fang", "phone": "13800000004"},
        d2={"full_name": "WANG  FANG", "phone": "13800000004"},
        d3={"phone": "13800000004", "email": "fang@example.com"},
    )
    world.visits({"anonymous_id": "v", "phone": "13800000001"})
    world.resolve()
    assert groups(world.people()) == {"13800000001", "a1", "a2", "b1", "b2", "c0", "c1", "c2", "c3", "c4", "d1 d2 d3"}


def test_a_landline_never_links(world: World) -> None:
    world.contacts(
        a={"full_name": "王芳", "phone": "021-66668888"},
        b={"full_name": "王芳", "phone": "021-66668888转2"},
        c={"phone": "400-820-8820"},
        d={"phone": "4008208820"},
    )
    world.visits({"anonymous_id": "v", "phone": "021-66668888"})
    world.resolve()
    assert groups(world.people()) == {"a", "b", "c", "d", "021-66668888"}
    assert {row[0] for row in world.sql("select phone from identity.people where source_id in ('a', 'b')")} == {
        "+862166668888"
    }


def test_a_distribution_list_links_nobody(world: World) -> None:
    world.contacts(
        a={"full_name": "王芳", "email": "sales@example.com"},
        b={"full_name": "李雷", "email": "sales@example.com"},
        c={"full_name": "韩梅", "email": "Sales@example.com"},
        # two spellings of one name are allowed
        d={"full_name": "Zhou Ming", "email": "zhou@example.com"},
        e={"full_name": "周明", "email": "zhou@example.com"},
        # eleven records without a name
        **{f"f{number:02}": {"email": "info@example.com"} for number in range(11)},
    )
    world.resolve()
    assert groups(world.people()) == {"a", "b", "c", "d e", *(f"f{number:02}" for number in range(11))}


def test_records_that_the_crm_merged_follow(world: World) -> None:
    world.contacts(
        a={"full_name": "王芳", "email": "a@example.com"},
        b={"full_name": "王小芳", "merged_into_id": "a", "is_deleted": True},
        c={"full_name": "芳", "merged_into_id": "b", "is_deleted": True},  # a chain
        d={"merged_into_id": "a", "is_deleted": False},
        # the survivor is deleted, and what was merged into it with it
        e={"full_name": "李雷", "is_deleted": True},
        f={"full_name": "李雷", "merged_into_id": "e", "is_deleted": True},
        # merged into a record that nobody knows, or into itself, or in a ring
        g={"merged_into_id": "unknown"},
        h={"merged_into_id": "unknown", "is_deleted": True},
        i={"merged_into_id": "i"},
        j={"merged_into_id": "k"},
        k={"merged_into_id": "j"},
        m={"merged_into_id": "n", "is_deleted": True},
        n={"merged_into_id": "m", "is_deleted": True},
    )
    world.leads(x={}, y={"merged_into_id": "x", "is_deleted": True})
    world.resolve()
    assert groups(world.people()) == {"a b c d", "g", "i", "j k", "x y"}
    assert world.sql("select match_method from identity.people where source_id = 'c'") == [("crm link",)]


def test_leads_follow_the_contact_they_became(world: World) -> None:
    world.contacts(
        c1={"full_name": "王芳", "email": "wang@company.cn"},
        c2={"full_name": "李雷", "is_deleted": True},
    )
    world.leads(
        l1={"full_name": "小王", "email": "10001@qq.com", "converted_contact_id": "c1"},
        l2={"converted_contact_id": "c2"},  # the contact is gone, the lead is not
        l3={"converted_contact_id": "unknown"},
        # merged and converted both
        l4={"converted_contact_id": "c1", "merged_into_id": "l5", "is_deleted": True},
        l5={"email": "other@example.com"},
    )
    world.resolve()
    assert groups(world.people()) == {"c1 l1 l4 l5", "l2", "l3"}


def test_what_the_crm_joined_counts_as_one_holder_of_a_key(world: World) -> None:
    world.contacts(
        # one person by the CRM's own word: the number stays a key although two mailboxes gave it
        a1={"full_name": "王芳", "email": "wang@company.cn", "phone": "13800000001"},
        a2={
            "full_name": "王小芳",
            "email": "10001@qq.com",
            "phone": "13800000001",
            "merged_into_id": "a1",
            "is_deleted": True,
        },
        # the same, but a colleague gives the number too
        b1={"full_name": "李雷", "phone": "13800000002"},
        b3={"full_name": "韩梅", "phone": "13800000002"},
    )
    world.leads(b2={"full_name": "小李", "phone": "13800000002", "converted_contact_id": "b1"})
    world.visits({"anonymous_id": "v1", "phone": "13800000001"}, {"anonymous_id": "v2", "phone": "13800000002"})
    world.resolve()
    assert groups(world.people()) == {"13800000001 a1 a2", "b1 b2", "b3", "13800000002"}


# --- the web


def test_web_history_before_identification_joins(world: World) -> None:
    world.companies(k1={"domain": "company.cn"})
    world.contacts(c1={"full_name": "王芳", "email": "wang@company.cn", "company_id": "k1"})
    world.visits(
        {"anonymous_id": "phone"},  # before anybody is known
        {"anonymous_id": "phone", "email": "wang@company.cn"},
        {"anonymous_id": "desk", "user_id": "u1"},
        {"anonymous_id": "desk", "user_id": "u1", "email": "WANG@company.cn"},  # two marks of one person
        {"anonymous_id": "shared", "email": "wang@company.cn"},
        {"anonymous_id": "shared", "email": "li@company.cn"},  # two people
        {"anonymous_id": "stranger"},
    )
    world.resolve()
    person, account = world.people()["c1"], world.accounts()["k1"]
    assert sorted(world.sql("from identity.visitors")) == [("desk", person, account), ("phone", person, account)]
    first, last = world.sql("select min(valid_from), max(valid_from) from identity.people where source_id = 'u1'")[0]
    assert first < last  # from when each was seen first


def test_what_cannot_be_a_key_identifies_nobody(world: World) -> None:
    world.visits(
        {"anonymous_id": "a", "email": "asdf"},
        {"anonymous_id": "a", "phone": "123"},
        {"anonymous_id": "b", "email": "asdf"},
        {"anonymous_id": "b", "email": "wang@company.cn"},
        {"anonymous_id": "c", "phone": "021-66668888"},
    )
    world.resolve()
    assert sorted(world.people()) == ["021-66668888", "wang@company.cn"]
    assert sorted(row[0] for row in world.sql("from identity.visitors")) == ["b", "c"]


# --- companies


def test_companies_by_code_and_domain(world: World) -> None:
    world.companies(
        # one code, however it is written
        a1={"uscc": CODES[0], "domain": "a.com"},
        a2={"uscc": CODES[0].lower(), "domain": "a-group.cn"},
        # one domain, from either column
        b1={"domain": "WWW.b.com.cn"},
        b2={"website": "https://www.b.com.cn/about"},
        b3={"domain": "b.com.cn", "uscc": CODES[1]},
        # a wrong code is none, and a name neither
        c1={"uscc": "000000000000000000", "name": "公司"},
        c2={"uscc": "000000000000000000", "name": "公司"},
        c3={"uscc": "9111000060003734XX"},
        c4={"uscc": "9111000060003734XX"},
        # neither a mail provider nor a platform tells companies apart; the site of one's own does
        d1={"domain": "qq.com", "website": "www.d.cn"},
        d2={"domain": "d.cn"},
        d3={"domain": "qq.com"},
        d4={"website": "https://shop1.1688.com"},
        d5={"website": "https://shop2.1688.com"},
    )
    world.resolve()
    assert groups(world.accounts()) == {"a1 a2", "b1 b2 b3", "c1", "c2", "c3", "c4", "d1 d2", "d3", "d4", "d5"}
    assert world.sql("select distinct domain from identity.companies where source_id in ('d3', 'd4')") == [(None,)]


def test_companies_of_one_group_stay_apart(world: World) -> None:
    world.companies(
        # parent and child on one domain
        a1={"domain": "a.com"},
        a2={"domain": "a.com", "parent_company_id": "a1"},
        # grandparent and grandchild, with a company without a domain between
        b1={"domain": "b.com"},
        b2={"parent_company_id": "b1"},
        b3={"domain": "b.com", "parent_company_id": "b2"},
        # two codes on one domain, and a third company there
        c1={"domain": "c.com", "uscc": CODES[0]},
        c2={"domain": "c.com", "uscc": CODES[1]},
        c3={"domain": "c.com"},
        # a parent's record that was merged away
        d1={"domain": "d.com"},
        d2={"merged_into_id": "d1", "is_deleted": True},
        d3={"domain": "d.com", "parent_company_id": "d2"},
        # six companies on one domain
        **{f"e{number}": {"domain": "e.com"} for number in range(6)},
        # its own parent is no group, nor is a ring of two with sites of their own
        f1={"domain": "f.com", "parent_company_id": "f1"},
        f2={"domain": "f.com"},
        g1={"domain": "g1.com", "parent_company_id": "g2"},
        g2={"domain": "g2.com", "parent_company_id": "g1"},
    )
    world.resolve()
    assert groups(world.accounts()) == {
        "a1", "a2", "b1", "b2", "b3", "c1", "c2", "c3", "d1 d2", "d3", *(f"e{number}" for number in range(6)),
        "f1 f2", "g1", "g2",
    }  # fmt: skip


def test_duplicates_that_the_crm_merged_are_one_company_on_a_domain(world: World) -> None:
    world.companies(
        a0={"domain": "a.com", "uscc": CODES[0]},
        **{f"a{n}": {"domain": "a.com", "merged_into_id": "a0", "is_deleted": True} for n in range(1, 8)},
        b={"website": "a.com"},
        c={"domain": "a.com", "is_deleted": True, "uscc": CODES[1]},  # gone, and its code with it
    )
    world.resolve()
    assert groups(world.accounts()) == {"a0 a1 a2 a3 a4 a5 a6 a7 b"}


def test_accounts_from_mail_domains(world: World) -> None:
    world.companies(
        known={"domain": "known.cn"},
        gone={"domain": "gone.cn", "is_deleted": True},
        p1={"domain": "group.cn"},
        p2={"domain": "group.cn", "parent_company_id": "p1"},
    )
    world.contacts(
        a={"full_name": "王芳", "email": "wang@known.cn"},
        b={"full_name": "李雷", "email": "10001@qq.com"},
        c={"full_name": "周明", "email": "zhou@group.cn"},
        d={"full_name": "吴刚", "email": "wu@home.cn", "company_id": "known"},  # the CRM's word before the domain's
        e={"full_name": "郑洁", "email": "zheng@vip.163.com"},
        f={"full_name": "冯琳", "email": "feng@gone.cn", "company_id": "gone"},
    )
    world.leads(
        x={"email": "a@new.com.cn", "company_name": "新公司有限公司", "created_at": "2026-05-02 00:00:00+00"},
        y={"email": "b@sales.new.com.cn", "company_name": "甲公司", "created_at": "2026-05-01 00:00:00+00"},
    )
    world.visits({"anonymous_id": "v", "email": "c@new.com.cn"})
    world.resolve()
    assert groups(world.accounts()) == {"known known.cn", "new.com.cn", "p1", "p2"}
    made = "select company_name, valid_from::varchar from identity.companies where source_id = 'new.com.cn'"
    assert world.sql(made) == [(min("新公司有限公司", "甲公司"), "2026-05-01 00:00:00+00")]
    employers = {
        source: (account, method)
        for source, account, method in world.sql("select source_id, account_id, account_method from identity.people")
    }
    accounts = world.accounts()
    assert employers == {
        "a": (accounts["known"], "email domain"),
        "b": (None, None),
        "c": (None, None),  # whichever of the group, the domain does not tell
        "d": (accounts["known"], "crm"),
        "e": (None, None),
        "f": (None, None),
        "x": (accounts["new.com.cn"], "email domain"),
        "y": (accounts["new.com.cn"], "email domain"),
        "c@new.com.cn": (accounts["new.com.cn"], "email domain"),
    }


def test_the_newest_employer_is_taken(world: World) -> None:
    world.companies(old={"domain": "old.cn"}, new={"domain": "new.cn"})
    world.contacts(
        a={"company_id": "old", "unionid": "u", "updated_at": "2026-01-01 00:00:00+00"},
        b={"company_id": "new", "unionid": "u", "updated_at": "2026-02-01 00:00:00+00"},
        c={"company_id": "old", "unionid": "u"},  # nobody knows when
    )
    world.resolve()
    assert {row[0] for row in world.sql("select account_id from identity.people")} == {world.accounts()["new"]}


# --- night after night


def small_world(world: World) -> None:
    """Some of everything."""
    world.companies(
        k1={"domain": "k1.cn", "uscc": CODES[0]},
        k2={"domain": "k1.cn"},
        k3={"domain": "k3.cn"},
        k4={"domain": "k3.cn", "parent_company_id": "k3"},
    )
    world.contacts(
        c1={"full_name": "王芳", "email": "wang@k1.cn", "phone": "13800000001", "company_id": "k1"},
        c2={"full_name": "李雷", "email": "li@k3.cn", "phone": "13800000002", "unionid": "un2"},
        c3={"full_name": "韩梅", "phone": "13800000002"},
        c4={"full_name": "周明", "merged_into_id": "c2", "is_deleted": True},
    )
    world.leads(l1={"email": "wang@k1.cn"}, l2={"converted_contact_id": "c2"}, l3={"email": "x@new.cn"})
    world.followers(o1={"unionid": "un2"}, o2={})
    world.visits(
        {"anonymous_id": "v1", "email": "wang@k1.cn"},
        {"anonymous_id": "v1", "user_id": "u1", "email": "wang@k1.cn"},
        {"anonymous_id": "v2", "openid": "o2"},
        {"anonymous_id": "v2", "openid": "o1"},
        {"anonymous_id": "v3"},
    )


def test_a_rerun_changes_nothing(world: World) -> None:
    small_world(world)
    counts = world.resolve(20)
    before = world.everything()
    assert world.resolve(20) == counts
    assert world.everything() == before
    world.resolve(21)  # nor does a night without news, but for its date nowhere
    assert world.everything() == before
    assert before["changes"] == []


def test_the_order_of_rows_changes_nothing(make_world: Callable[[str], World]) -> None:
    found = []
    for name, order in (("one", "asc"), ("other", "desc")):
        world = make_world(name)
        small_world(world)
        world.stage()
        tables = [f"staging.stg_{stream}__{each}" for stream in STREAMS for each in objects(stream)]
        with connect(world.settings.warehouse_file) as connection:
            for table in tables:
                connection.execute(f"create or replace table {table} as from {table} order by all {order}")
        world.resolve(20)
        found.append(world.everything())
    assert found[0] == found[1]


def test_ids_stay_when_a_later_night_brings_records(world: World) -> None:
    small_world(world)
    world.resolve(20)
    people, accounts = world.people(), world.accounts()
    world.companies(a0={"domain": "new.cn"}, a1={"uscc": CODES[0]})  # the derived account becomes a known one
    world.contacts(a0={"full_name": "王芳", "phone": "13800000001"}, a1={"full_name": "新人"})
    world.visits({"anonymous_id": "v9", "email": "x@new.cn"})
    world.resolve(21)
    assert people.items() <= world.people().items()
    assert accounts.items() <= world.accounts().items()
    assert world.people()["a0"] == people["c1"]
    assert world.accounts()["a0"] == accounts["new.cn"]
    assert world.accounts()["a1"] == accounts["k1"]
    assert world.everything()["changes"] == []


def test_a_merge_keeps_the_older_id_and_is_written_down(world: World) -> None:
    world.contacts(z={"full_name": "王芳", "email": "wang@k1.cn"})
    world.companies(z={"domain": "k1.cn"})
    world.resolve(18)
    world.contacts(a={"full_name": "王芳", "phone": "13800000001"})
    world.companies(a={"uscc": CODES[0]})
    world.resolve(19)
    people, accounts = world.people(), world.accounts()
    assert people["a"] != people["z"]
    world.sql("update staging.stg_crm__contacts set phone = '138 0000 0001' where contact_id = 'z'")
    world.sql("update staging.stg_crm__companies set domain = 'k1.cn' where company_id = 'a'")
    world.resolve(20)
    assert set(world.people().values()) == {people["z"]}
    assert {world.accounts()["a"], world.accounts()["k1.cn"]} == {accounts["z"]}
    changes = (
        "select entity, change, id_before, id_after, reason, changed_on from identity.changes "
        "where change <> 'new' order by all"
    )
    day, reason = date(2026, 11, 20), "their records are linked now"
    assert world.sql(changes) == [
        ("account", "merge", accounts["a"], accounts["z"], reason + ": domain", day),
        ("contact", "merge", people["a"], people["z"], reason + ": likeness, phone", day),
    ]
    world.resolve(20)
    world.resolve(21)
    assert len(world.sql(changes)) == 2


def test_a_split_keeps_the_id_with_the_larger_part(world: World) -> None:
    world.contacts(
        a={"full_name": "王芳", "phone": "13800000001"},
        b={"full_name": "王芳", "phone": "13800000001", "unionid": "u"},
        c={"unionid": "u"},
    )
    world.resolve(19)
    before = world.people()
    assert len(set(before.values())) == 1
    world.sql("update staging.stg_crm__contacts set phone = '13955558888', full_name = '李雷' where contact_id = 'a'")
    world.resolve(20)
    after = world.people()
    assert after["b"] == after["c"] == before["a"] != after["a"]
    changes = "select change, id_before, id_after from identity.changes where change not in ('new', 'reused')"
    assert world.sql(changes) == [("split", before["a"], after["a"])]
    world.resolve(21)
    assert world.people() == after


def test_a_number_that_turns_out_to_be_shared_parts_people(world: World) -> None:
    world.contacts(a={"full_name": "王芳", "phone": "13800000001"}, b={"phone": "13800000001"})
    world.resolve(19)
    before = world.people()
    assert before["a"] == before["b"]
    world.contacts(c={"full_name": "李雷", "phone": "13800000001"})
    world.resolve(20)
    after = world.people()
    assert len(set(after.values())) == 3
    assert before["a"] == after["a"]


def test_deleted_records_vanish_and_come_back_as_themselves(world: World) -> None:
    small_world(world)
    world.resolve(18)
    people, accounts = world.people(), world.accounts()
    world.sql("update staging.stg_crm__contacts set is_deleted = true where contact_id = 'c3'")
    world.sql("update staging.stg_crm__companies set is_deleted = true where company_id = 'k3'")
    world.resolve(19)
    assert set(people) - set(world.people()) == {"c3"}
    assert set(accounts) - set(world.accounts()) == {"k3"}
    assert world.everything()["changes"] == []  # to go is neither to merge nor to split
    # with c2 goes c4, which was merged into it, and what held a lead and a follower together
    world.sql("update staging.stg_crm__contacts set is_deleted = true where contact_id = 'c2'")
    world.resolve(20)
    assert set(people) - set(world.people()) == {"c2", "c3", "c4"}
    assert len({world.people()[one] for one in ("l2", "o1")}) == 2
    world.sql("update staging.stg_crm__contacts set is_deleted = false")
    world.sql("update staging.stg_crm__companies set is_deleted = null")
    world.resolve(21)
    assert world.people() == people
    assert world.accounts() == accounts


def test_an_id_that_passed_to_somebody_else_is_written_down(world: World) -> None:
    world.contacts(
        taken={"full_name": "王芳", "email": "wang@one.example", "phone": "13800000001"},
        married={"full_name": "Ann Lee", "email": "ann.lee@one.example", "phone": "13800000002"},
        moved={"full_name": "李雷", "email": "li@one.example"},
        spelt={"full_name": "Bo  WU", "email": "bo@one.example"},
        bare={"full_name": "韩梅梅"},
    )
    world.companies(
        k1={"name": "星河智能", "uscc": CODES[0]},
        k2={"name": "Blue Ltd", "domain": "blue.example"},
        k3={"name": "Red Ltd", "domain": "red.example"},
    )
    world.resolve(18)
    for change in (
        "contacts set full_name = '赵云', email = 'zhao@two.example', phone = '13900000009' where contact_id = 'taken'",
        # the number, the address or the name is still theirs
        "contacts set full_name = 'Ann Wu', email = 'ann.wu@one.example' where contact_id = 'married'",
        "contacts set email = 'lilei@two.example' where contact_id = 'moved'",
        "contacts set full_name = 'bo wu', email = 'wu@one.example' where contact_id = 'spelt'",
        # nothing but a name to go by
        "contacts set full_name = '韩立' where contact_id = 'bare'",
        f"companies set name = '海河科技', uscc = '{CODES[1]}' where company_id = 'k1'",
        "companies set name = 'Blue Inc' where company_id = 'k2'",
    ):
        world.sql(f"update staging.stg_crm__{change}")
    ids = {**world.people(), **world.accounts()}
    world.resolve(19)
    changes = "select entity, id_before, id_after, reason, changed_on from identity.changes where change = 'reused'"
    expected = [
        ("account", ids["k1"], ids["k1"], "crm|companies|k1 is somebody else than before", date(2026, 11, 19)),
        ("contact", ids["taken"], ids["taken"], "crm|contacts|taken is somebody else than before", date(2026, 11, 19)),
    ]
    assert world.sql(f"{changes} order by entity") == expected
    # neither the same night again nor the next one finds it anew
    world.resolve(19)
    world.resolve(20)
    assert world.sql(f"{changes} order by entity") == expected


# --- the working database


def test_splink_leaves_nothing_in_the_working_database(world: World) -> None:
    small_world(world)
    world.resolve(20)
    names = "select schema || '.' || name from (show all tables) where schema not in ('staging', 'seeds') order by all"
    assert [row[0] for row in world.sql(names)] == [
        "identity.account_features",
        "identity.account_features_crowded",
        "identity.account_features_terms",
        "identity.account_parents",
        "identity.aliases",
        "identity.assigned",
        "identity.changes",
        "identity.companies",
        "identity.company_brands",
        "identity.company_names",
        "identity.company_places",
        "identity.company_trades",
        "identity.credit_codes",
        "identity.dictionary_versions",
        "identity.domains",
        "identity.emails",
        "identity.employments",
        "identity.history",
        "identity.industries",
        "identity.known_companies",
        "identity.links",
        "identity.locations",
        "identity.models",
        "identity.people",
        "identity.person_crowded",
        "identity.person_features",
        "identity.person_names",
        "identity.person_terms",
        "identity.phones",
        "identity.problems",
        "identity.quantities",
        "identity.record_employers",
        "identity.remarks",
        "identity.titles",
        "identity.trades",
        "identity.visitors",
    ]
    assert world.sql("select view_name from duckdb_views() where not internal") == []


@pytest.mark.parametrize("place", ["resolve_accounts", "resolve_people", "find_visitors"])
def test_an_error_leaves_the_former_night(world: World, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    small_world(world)
    world.resolve(20)
    before = world.everything()
    world.contacts(new={"full_name": "新人", "email": "new@k9.cn"})
    usual = getattr(module, place)

    def fail(*arguments: Any) -> None:
        usual(*arguments)
        raise RuntimeError("stopped")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="stopped"):
        patch.setattr(module, place, fail)
        world.resolve(21)
    assert world.everything() == before
    world.resolve(21)
    assert "new" in world.people()


def test_an_error_of_the_first_night_leaves_nothing(world: World) -> None:
    small_world(world)
    world.sql("drop table seeds.identity_keys")
    with pytest.raises(Exception, match="identity_keys"):
        world.resolve()
    assert world.sql("select name from (show all tables) where schema not in ('staging', 'seeds')") == []


def test_a_warehouse_built_anew_compares_by_the_models_it_remembers(world: World) -> None:
    small_world(world)
    world.resolve(20)
    # as if learnt from so many that these few have not outgrown it
    world.sql("update identity.models set records = 99999")
    remembered = {one.name for one in memory.TABLES}
    for (table,) in world.sql("select 'identity.' || table_name from duckdb_tables() where schema_name = 'identity'"):
        if table not in remembered:
            world.sql(f"drop table {table}")
    world.resolve(20)
    assert world.sql("select distinct entity, records from identity.models order by all") == [
        ("account", 99999),
        ("contact", 99999),
    ]


def test_a_database_that_is_held_is_named(world: World) -> None:
    with connect(world.settings.warehouse_file, read_only=True), pytest.raises(PersonaError, match="cannot open"):
        world.resolve()
