"""`persona try people`: a file with itself, a file against another, and what never makes two people one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from typer.testing import CliRunner

from persona_warehouse.cli import app
from persona_warehouse.errors import ConfigError
from persona_warehouse.tryout.people import read_people

MIXED = """编号,姓名,手机,邮箱,公司,职位,备注
1,林子轩,13800000001,linzixuan@shanhai.cn,杭州山海智能科技有限公司,采购经理,
2,Zixuan Lin,,linzixuan@shanhai.cn,,,
3,,,,,,林子轩-山海-采购
4,林子轩,,,苏州云帆软件有限公司,销售,
5,何静,021-66668888,,山海智能科技,,
6,周凯,021-66668888,,山海智能科技,,
7,测试,111,无,无,,
8,测试,111,无,无,,
9,🙂,,,,,
10,王,,,,,
11,王,,,,,
12,,,,,,
"""


def table_of(**columns: list[str | None]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def grouped(table: pa.Table, threshold: float = 0.6) -> list[str]:
    return read_people(table, Path("x.csv"), None, None, threshold).columns["cluster_id"].to_pylist()


def test_a_mixed_file_gives_clusters_and_pairs_with_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mixed.csv").write_text(MIXED, encoding="utf-8")
    result = CliRunner().invoke(app, ["try", "people", "mixed.csv"])
    assert result.exit_code == 0, result.output
    written = pacsv.read_csv("mixed.people.csv")
    assert written.num_rows == 12
    assert [str(one) for one in written["cluster_id"].to_pylist()] == [
        "1", "1", "1", "4", "5", "6", "7", "8", "9", "10", "11", "12",
    ]  # fmt: skip
    pairs = pacsv.read_csv("mixed.pairs.csv").to_pylist()
    assert [(row["id_l"], row["id_r"]) for row in pairs] == [(1, 2), (1, 3), (2, 3)]
    assert "same e-mail" in pairs[0]["evidence"]
    assert "same brand" in pairs[1]["evidence"]
    assert pairs[2]["evidence"].startswith("through others")
    assert min(row["probability"] for row in pairs) > 0.9
    assert "10 persons, 2 of the rows are doubles" in result.output


def test_who_is_known_by_another_family_name_is_another_person() -> None:
    clusters = grouped(
        table_of(
            name=["孟女士", "严佳宁", "孟欣然"],
            phone=["13566660001", "13566660001", "13566660002"],
            company=["岚图塑料", "岚图塑料有限公司", "岚图塑料有限公司"],
        )
    )
    assert clusters[0] != clusters[1]


def test_a_switchboard_and_a_list_join_nobody() -> None:
    signs = "安博超东芳刚浩佳凯兰明宁平强荣松涛伟霞勇"
    names = [f"{family}{one}{other}" for family in "赵钱孙李周" for one in signs[:10] for other in signs[10:]]
    count = len(names)
    table = table_of(
        id=[str(number) for number in range(count)],
        name=names,
        phone=["010-88886666"] * (count - 1) + ["13800000001"],
        email=["all@shanhai.cn"] * count,
        company=["山海智能科技有限公司"] * count,
    )
    assert count == 500
    assert len(set(grouped(table))) == count


def test_typing_slips_nicknames_and_swapped_names_are_found() -> None:
    table = table_of(
        id=list("abcdefg"),
        first_name=["Robert", "Bob", "Robert", "Allen", "Emily", "Emily", "Charlotte"],
        surname=["Allen", "Allen", "Alen", "Robert", "Stone", "Stone", "Stone"],
        dob=["1971-06-24", "24/06/1971", "1971-06-24", "1971-06-24", "1980-01-02", "1955-11-30", "1980-01-02"],
        city=["Leeds", "Leeds", "Leeds", None, "York", "Bath", "Hull"],
        email=[None, "r.allen@smith.net", "r.allen@smith.net", None, None, None, None],
    )
    assert grouped(table) == ["a", "a", "a", "a", "e", "f", "g"]


def test_the_threshold_decides_and_the_order_does_not() -> None:
    table = table_of(id=["x", "y"], name=["林子轩", "林子轩"], company=["山海科技", None], city=["杭州", "杭州市"])
    assert grouped(table, 0.05) == ["x", "x"]
    assert grouped(table, 0.999) == ["x", "y"]
    mixed = table.take([1, 0])
    assert grouped(mixed, 0.05) == ["x", "x"]
    with pytest.raises(ConfigError, match="no probability"):
        grouped(table, 1.0)


def test_a_file_against_another_abstains_when_two_fit() -> None:
    asked = table_of(
        id=["1", "2", "3", "4"],
        name=["林子轩", "何静", "Wang Bowen", "无"],
        company=["山海智能", "云帆软件", "山海智能", None],
    )
    listed = table_of(
        id=["a", "b", "c", "d", "e"],
        name=["林子轩", "何静", "何静", "王博文", "周凯"],
        company=[
            "山海智能科技有限公司",
            "云帆软件有限公司",
            "云帆软件有限公司",
            "山海智能科技有限公司",
            "山海智能科技有限公司",
        ],
        email=[None, "hejing@yunfan.cn", "hejing2@yunfan.cn", None, None],
    )
    found = read_people(asked, Path("l.csv"), listed, Path("r.csv"), 0.6)
    assert found.columns["best_match"].to_pylist() == ["a", None, "d", None]
    assert found.columns["second_best"].to_pylist()[1] in ("b", "c")
    assert found.columns["probability"].to_pylist()[1] < 0.6
    assert [(row["id_l"], row["id_r"]) for row in found.pairs.to_pylist()] == [("1", "a"), ("3", "d")]
    assert found.said == "2 matched"


def test_nobody_in_common_is_no_fault() -> None:
    one, other = table_of(name=["林子轩", None]), table_of(name=["Emily Stone"])
    found = read_people(one, Path("l.csv"), other, Path("r.csv"), 0.6)
    assert found.columns["best_match"].to_pylist() == [None, None]
    assert grouped(table_of(name=[])) == []


def test_a_file_without_persons_says_what_was_expected() -> None:
    with pytest.raises(ConfigError, match="no column tells persons apart") as error:
        grouped(table_of(price=["1"]))
    assert error.value.file == "x.csv"
