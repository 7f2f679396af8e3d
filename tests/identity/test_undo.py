"""Decisions by hand, what contradicts, the ledger's words, and changes taken back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from persona_warehouse.errors import ConfigError
from persona_warehouse.identity import overrides as module
from persona_warehouse.identity.explain import explain, masked, reading
from persona_warehouse.identity.overrides import read_overrides
from persona_warehouse.identity.undo import list_changes, undo
from persona_warehouse.warehouse import connect
from tests.conftest import persona
from tests.identity.conftest import World, groups

# the ledger's own tables: what was and is no more stands there
LEDGER = ("changes", "links", "models", "record_employers")


def tables(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All that identity holds but the ledger's own rows."""
    with connect(world.settings.warehouse_file) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'identity' order by all"
        ).fetchall()
        return {
            name: connection.execute(f"from identity.{name} order by all").fetchall()
            for (name,) in names
            if name not in LEDGER
        }


def of_kind(world: World, kind: str) -> list[Any]:
    with connect(world.settings.warehouse_file) as connection:
        return [one for one in list_changes(connection) if one.change == kind]


def two_companies(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        b={"name": "辰远装备", "domain": "chenyuan-tech.cn", "city": "上海市"},
    )
    world.contacts(
        p={"full_name": "王芳", "email": "wang@chenyuan.cn", "company_id": "a", "created_at": "2026-05-01 00:00:00+00"},
        q={"full_name": "李雷", "phone": "13800000002", "company_id": "b", "created_at": "2026-06-01 00:00:00+00"},
    )
    world.leads(l={"company_name": "辰远", "email": "zhao@chenyuan-tech.cn"})
    # two companies, until somebody corrects a domain
    world.decide(("account", "crm|companies|a", "crm|companies|b", "cannot_link"))


def test_a_merge_is_undone_and_the_former_tables_come_back(world: World) -> None:
    two_companies(world)
    world.resolve(18)
    world.resolve(19)
    before = tables(world)
    ids = world.accounts()
    assert ids["a"] != ids["b"]
    world.decide()
    world.resolve(20)
    merged = world.accounts()
    assert merged["a"] == merged["b"]
    (change,) = of_kind(world, "merge")
    assert {change.id_before, change.id_after} == {ids["a"], ids["b"]}
    old, new = change.id_before, change.id_after
    assert world.sql("from identity.aliases") == [("account", old, new)]
    undone, counts = undo(world.settings, change.change_id[:8], "a tester")
    assert undone == change
    assert counts.accounts == 2
    assert tables(world) == before
    assert world.sql("from identity.aliases") == []
    # and it stays so
    world.resolve(21)
    assert tables(world) == before
    (decision,) = read_overrides(world.settings)
    assert (decision.rule, decision.left_id, decision.right_id, decision.author) == (
        "cannot_link",
        old,
        new,
        "a tester",
    )
    with pytest.raises(ConfigError, match="undone before"):
        undo(world.settings, change.change_id, "a tester")


def test_a_split_is_undone_and_the_former_tables_come_back(world: World) -> None:
    two_companies(world)
    world.decide()
    world.resolve(18)
    world.resolve(19)
    before = tables(world)
    ids = world.accounts()
    assert ids["a"] == ids["b"]
    world.decide(("account", "crm|companies|a", "crm|companies|b", "cannot_link"))
    world.resolve(20)
    (change,) = of_kind(world, "split")
    assert change.id_before == ids["a"]
    assert world.accounts()["a"] != world.accounts()["b"]
    # a decision that says the contrary stands: nothing is undone, and the file is as it was
    text = (world.settings.home / "identity_overrides.csv").read_text()
    with pytest.raises(ConfigError, match="contradict"):
        undo(world.settings, change.change_id, "a tester")
    assert (world.settings.home / "identity_overrides.csv").read_text() == text
    world.decide(("account", "crm|companies|a", "nobody", "cannot_link"))
    undo(world.settings, change.change_id, "a tester")
    after = tables(world)
    assert after.pop("problems") == [("unknown id in a decision", "nobody", "identity_overrides.csv line 2")]
    assert before.pop("problems") == []
    assert after == before
    world.resolve(21)
    assert world.accounts() == ids


def test_two_persons_are_parted_again(world: World) -> None:
    world.contacts(
        a={"full_name": "王芳", "phone": "13800000001", "email": "wang@k.cn"},
        b={"full_name": "王芳", "unionid": "u"},
    )
    world.followers(o={"unionid": "u"})
    world.resolve(19)
    before, ids = tables(world)["people"], world.people()
    assert groups(ids) == {"a", "b o"}
    world.sql("update staging.stg_crm__contacts set unionid = 'u' where contact_id = 'a'")
    world.resolve(20)
    assert groups(world.people()) == {"a b o"}
    (change,) = of_kind(world, "merge")
    undo(world.settings, change.change_id, "a tester")
    assert world.people() == ids
    assert {row[0]: row[4] for row in tables(world)["people"]} == {row[0]: row[4] for row in before}


@pytest.mark.parametrize(("change", "problem"), [("", "no such"), ("zzz", "no such"), ("new", "no such")])
def test_what_cannot_be_undone(world: World, change: str, problem: str) -> None:
    world.companies(a={"name": "上海辰远智能装备有限公司"})
    world.resolve()
    with pytest.raises(ConfigError, match=problem):
        undo(world.settings, change, "a tester")


def test_old_ids_resolve_through_every_merge(world: World) -> None:
    world.companies(**{name: {"name": name * 3, "domain": f"{name}.cn"} for name in ("a1", "b1", "c1")})
    world.resolve(17)
    world.resolve(18)
    ids = world.accounts()
    world.decide(("account", "crm|companies|b1", "crm|companies|c1", "must_link"))
    world.resolve(19)
    world.decide(
        ("account", "crm|companies|b1", "crm|companies|c1", "must_link"),
        ("account", ids["a1"], "crm|companies|c1", "must_link"),
    )
    world.resolve(20)
    kept = set(world.accounts().values())
    assert len(kept) == 1
    aliases = {old: new for _, old, new in world.sql("from identity.aliases")}
    assert aliases == {one: next(iter(kept)) for one in ids.values() if one not in kept}
    history = world.sql("select node, entity_id, valid_from, valid_to from identity.history where entity = 'account'")
    spans = {(node, entity): (start, end) for node, entity, start, end in history}
    for name in ("a1", "b1", "c1"):
        node, was = f"crm|companies|{name}", ids[name]
        start, end = spans[(node, was)]
        assert start == date(2026, 11, 17)
        # an as-of query gives who it was then
        assert (end is None) == (was in kept)


# --- decisions


def test_a_name_may_be_an_alias(world: World) -> None:
    world.companies(a={"name": "深圳市腾讯计算机系统有限公司"}, b={"name": "上海辰远智能装备有限公司"})
    world.leads(l={"company_name": "鹅厂"}, m={"company_name": "企鹅"})
    world.decide(("account", "鹅厂", "深圳市腾讯计算机系统有限公司", "alias"))
    world.resolve()
    assert groups({**world.accounts(), **world.mentions()}) == {"a l", "b", "m"}


def test_decisions_beat_keys_and_likeness(world: World) -> None:
    world.companies(
        a={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        b={"name": "上海辰远智能装备有限公司", "domain": "chenyuan.cn"},
        c={"name": "杭州森屿餐饮管理有限公司"},
        d={"name": "森屿餐饮"},
        e={"name": "广业物流"},
    )
    world.decide(
        ("account", "crm|companies|a", "crm|companies|b", "cannot_link"),
        ("account", "crm|companies|c", "crm|companies|d", "cannot_link"),
        ("account", "crm|companies|e", "crm|companies|d", "must_link"),
    )
    world.resolve()
    assert groups(world.accounts()) == {"a", "b", "c", "d e"}


def write(path: Path, *rows: str) -> Path:
    path.write_text("entity,left_id,right_id,rule,reason,author,since\n" + "".join(row + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["account,a,b,must_link,,,", "account,b,a,cannot_link,,,"], (2, 3)),
        (["account,a,b,must_link,,,", "account,x,y,must_link,,,", "account,c,b,must_link,,,",
          "account,c,a,cannot_link,,,"], (2, 4, 5)),
        (["account,鹅厂,甲有限公司,alias,,,", "account,鹅厂,乙有限公司,alias,,,"], (2, 3)),
    ],
)  # fmt: skip
def test_contradictions_name_their_lines(world: World, rows: list[str], lines: tuple[int, ...]) -> None:
    write(world.settings.home / "identity_overrides.csv", *rows)
    with pytest.raises(ConfigError, match="contradict each other") as raised:
        world.resolve()
    found = [f"line {number}:" for number in range(1, 9) if f"line {number}:" in str(raised.value)]
    assert found == [f"line {number}:" for number in lines]


def test_a_home_contradicts_the_seed_by_name(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seed = write(tmp_path / "seed.csv", "account,a,b,must_link,,,")
    monkeypatch.setattr(module, "SEED", seed)
    write(world.settings.home / "identity_overrides.csv", "account,a,b,cannot_link,,,")
    with pytest.raises(ConfigError) as raised:
        world.resolve()
    assert "seed.csv line 2: must_link" in str(raised.value)
    assert "identity_overrides.csv line 2: cannot_link" in str(raised.value)


def test_ids_that_stand_for_one_record_contradict_too(world: World) -> None:
    world.companies(a={"name": "森屿餐饮"}, b={"name": "广业物流"})
    world.resolve(19)
    ids = world.accounts()
    world.decide(
        ("account", ids["a"], ids["b"], "must_link"),
        ("account", "crm|companies|a", "crm|companies|b", "cannot_link"),
    )
    with pytest.raises(ConfigError, match="contradict each other"):
        world.resolve(20)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("company,a,b,must_link,,,", "entity"),
        ("account,a,b,must-link,,,", "rule"),
        ("contact,a,b,alias,,,", "rule"),
        ("account,,b,must_link,,,", "left_id"),
        ("account,a,,must_link,,,", "right_id"),
    ],
)
def test_a_line_that_cannot_be_read(world: World, row: str, field: str) -> None:
    write(world.settings.home / "identity_overrides.csv", "account,x,y,must_link,,,", row)
    with pytest.raises(ConfigError) as raised:
        world.resolve()
    assert (raised.value.row, raised.value.field) == (2, field)


def test_the_seed_in_the_repository_is_read() -> None:
    assert module.SEED.is_file()
    assert module.SEED.read_text(encoding="utf-8").startswith(",".join(module.FIELDS))


# --- explained


def test_an_account_is_explained(world: World) -> None:
    two_companies(world)
    world.decide()
    world.resolve(20)
    account = world.accounts()["a"]
    with reading(world.settings) as connection:
        told = explain(connection, world.settings, "crm|companies|b")
        assert explain(connection, world.settings, account).records == told.records
    assert (told.entity, told.entity_id) == ("account", account)
    assert {one["identity_key"] for one in told.records} >= {"crm|companies|a", "crm|companies|b"}
    methods = {(left, right): method for left, right, method, *_ in told.links}
    assert methods[("crm|companies|a", "crm|companies|b")] == "likeness"
    steps = told.waterfalls[0][2]
    assert [one["step"] for one in steps] == ["prior", "brand", "trade", "place", "domain", "people", "sum"]
    assert steps[-1]["weight"] == pytest.approx(sum(one["weight"] for one in steps[:-1]))


def test_a_person_is_masked_unless_asked(world: World) -> None:
    world.contacts(a={"full_name": "王小芳", "email": "wang@k.cn", "phone": "13812345678"})
    world.visits({"anonymous_id": "v", "email": "wang@k.cn"})
    world.resolve()
    with reading(world.settings) as connection:
        hidden = explain(connection, world.settings, "crm|contacts|a")
        clear = explain(connection, world.settings, "crm|contacts|a", clear=True)
    assert "小芳" not in str(hidden) and "wang@" not in str(hidden) and "12345678" not in str(hidden)
    row = next(one for one in hidden.records if one["identity_key"] == "crm|contacts|a")
    assert (row["full_name"], row["email"], row["phone"]) == ("王**", "w***@k.cn", "+*********5678")
    assert next(one for one in clear.records if one["identity_key"] == "crm|contacts|a")["full_name"] == "王小芳"
    assert masked("unionid", "oAbc") == "o***"


def test_the_commands(world: World) -> None:
    two_companies(world)
    world.resolve(19)
    world.decide()
    world.resolve(20)
    home = world.settings.home
    listed = persona("identity", "changes", home=home)
    assert listed.code == 0
    assert "merge" in listed.out
    (change,) = of_kind(world, "merge")
    told = persona("identity", "explain", str(change.id_before), home=home)
    assert told.code == 0
    assert f"account {change.id_after}, formerly {change.id_before}" in told.out
    assert "a short name of that brand" in told.out
    undone = persona("identity", "undo", change.change_id, home=home, PERSONA_HASH_KEY="a key for the tests only")
    assert undone.code == 0, undone.err
    assert len(set(world.accounts().values())) == 2
    early = persona("identity", "changes", home=home.parent / "empty")
    assert early.code == 3
    assert "run `persona doctor`" in early.err
    unknown = persona("identity", "explain", "a_0", home=home)
    assert unknown.code == 2
    assert "nobody is known by this id" in unknown.err
