"""From where columns come, as somebody reads it in the SQL; and what cannot be read says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from persona_warehouse.settings import Settings
from persona_warehouse.transform import lineage
from persona_warehouse.warehouse import connect

Ends = dict[tuple[str, str], set[tuple[str | None, ...]]]


def ends(rows: list[tuple[str | None, ...]]) -> Ends:
    """Mart and column -> kind, table and column of each place that it comes from in the end."""
    found: Ends = {}
    for table, column, kind, *place, _ in rows:
        found.setdefault((str(table), str(column)), set())
        if kind != "model":
            found[str(table), str(column)].add((kind, *place))
    return found


@pytest.fixture(scope="module")
def rows(empty_world: Settings, project: Any) -> list[tuple[str | None, ...]]:
    with connect(empty_world.warehouse_file, read_only=True) as connection:
        return lineage.column_lineage(project.manifest, lineage.columns_of(connection))


# read in the models' SQL by hand
READ = {
    # through the CTE that adds up the identity step's records
    ("accounts", "domain"): {("python", "identity.companies", "domain")},
    # of three sources: the CRM's newest record by way of two models, else what the identity step read
    ("accounts", "account_name"): {
        ("staging", "staging.stg_crm__companies", "name"),
        ("python", "identity.companies", "company_name"),
        ("python", "identity.companies", "domain"),
    },
    # two branches of a union
    ("contacts", "masked_name"): {
        ("staging", "staging.stg_crm__contacts", "full_name"),
        ("staging", "staging.stg_crm__leads", "full_name"),
    },
    # a condition upon the column, within an aggregate
    ("contacts", "has_email"): {("python", "identity.people", "email")},
    ("moments", "milestone"): {("seed", "seeds.milestones", "milestone")},
    ("accounts", "deal_count"): {("none", None, None)},
}


@pytest.mark.parametrize("column", READ, ids=".".join)
def test_a_column_comes_from_where_the_sql_has_it(rows: list[tuple[str | None, ...]], column: tuple[str, str]) -> None:
    assert ends(rows)[column] == READ[column]


def test_every_column_of_every_mart_comes_from_somewhere_that_is_there(
    rows: list[tuple[str | None, ...]], project: Any, empty_world: Settings
) -> None:
    found = ends(rows)
    assert set(found) == {(name, column) for name, mart in project.marts.items() for column in mart["columns"]}
    assert all(found.values())
    with connect(empty_world.warehouse_file, read_only=True) as connection:
        there = lineage.columns_of(connection)
    for _, _, kind, table, column, _ in rows:
        if kind in ("model", "staging", "seed", "python"):
            schema, _, name = str(table).partition(".")
            assert column in there[schema][name], (table, column)  # type: ignore[index]


def test_nothing_is_unread_and_files_are_ends_too(rows: list[tuple[str | None, ...]]) -> None:
    assert [row for row in rows if row[2] == "unread"] == []
    # two models read landing themselves, by `select *`, and one of them what it told the night before
    files = {(table, column) for _, _, kind, table, column, _ in rows if kind == "file"}
    assert ("landing/crm/companies/**/*.parquet", "employee_count") in files
    assert ("landing/wechat/followers/**/*.parquet", "subscribed_at") in files
    assert "*" not in {column for _, column in files}


def model(name: str, sql: str, schema: str = "intermediate", language: str = "sql") -> dict[str, Any]:
    return {
        "resource_type": "model", "schema": schema, "alias": name, "language": language, "compiled_code": sql,
        "columns": {"told": {}},
    }  # fmt: skip


def told(sql: str, *others: dict[str, Any]) -> list[tuple[str | None, ...]]:
    """From where the one column of a mart comes; staging has deals of two columns."""
    nodes = {str(at): node for at, node in enumerate((model("mart", sql, "marts"), *others))}
    columns = {
        "staging": {"deals": {"amount": "double", "rate": "double"}},
        "intermediate": {"between": {"told": "double", "other": "double"}},
    }
    return [row[2:] for row in lineage.column_lineage({"nodes": nodes}, dict(columns))]


DEALS = '"persona"."staging"."deals"'
BETWEEN = '"persona"."intermediate"."between"'


def test_a_computed_column_comes_from_both_its_sources_and_not_from_conditions() -> None:
    assert told(f"select d.amount * d.rate as told from {DEALS} as d") == [
        ("staging", "staging.deals", "amount", None),
        ("staging", "staging.deals", "rate", None),
    ]
    assert told(f"select d.amount as told from {DEALS} as d where d.rate > 1") == [
        ("staging", "staging.deals", "amount", None)
    ]


def test_models_in_between_are_followed_and_the_last_step_is_told() -> None:
    between = model("between", f"with d as (select * from {DEALS}) select rate as told, amount as other from d")
    assert told(f"select told from {BETWEEN}", between) == [
        ("model", "intermediate.between", "told", None),
        ("staging", "staging.deals", "rate", None),
    ]


def test_a_table_that_python_makes_is_an_end() -> None:
    between = model("between", "def model(dbt, session): ...", language="python")
    assert told(f"select told from {BETWEEN}", between) == [("python", "intermediate.between", "told", None)]


@pytest.mark.parametrize(
    "sql",
    [
        "select from where (",
        None,
        f"select * from {DEALS} union all by name select * from {DEALS}",
        "select * from read_parquet('landing/x.parquet') as x, read_parquet('landing/y.parquet') as y",
        "select nobody.told from somewhere",
    ],
    ids=["broken", "not compiled", "by name", "two files", "unknown table"],
)
def test_what_cannot_be_read_says_so_and_invents_nothing(sql: str | None) -> None:
    between = {**model("between", ""), "compiled_code": sql}
    step, end = told(f"select told from {BETWEEN}", between)
    assert step == ("model", "intermediate.between", "told", None)
    assert end[:3] == ("unread", "intermediate.between", "told")
    assert end[3]


def test_a_column_of_a_file_is_an_end_also_by_select_star() -> None:
    for selected in ("*", "f.told", "*, f.other as more"):
        sql = f"select {selected} from read_parquet(getvariable('x') || '/landing/x.parquet') as f where f.a in (1)"
        between = model("between", f"with landed as ({sql}) select told from landed")
        assert told(f"select told from {BETWEEN}", between)[1] == ("file", "landing/x.parquet", "told", None)


def test_a_model_that_also_reads_itself_comes_from_all_that_ever_entered() -> None:
    between = model(
        "between",
        f"select amount as told, rate as other from {DEALS}"
        f" union all select other as told, told as other from {BETWEEN}",
    )
    assert told(f"select told from {BETWEEN}", between)[1:] == [
        ("staging", "staging.deals", "amount", None),
        ("staging", "staging.deals", "rate", None),
    ]


def test_a_constant_and_a_count_come_from_no_column() -> None:
    assert told(f"select count(*) as told from {DEALS}") == [("none", None, None, None)]
    assert told("select 'x' as told") == [("none", None, None, None)]


def test_the_table_is_read_back_from_its_file(tmp_path: Path) -> None:
    rows = [
        ("accounts", "x", "unread", "a.b", "c", "no \"table\", 'none'\nof it"),
        ("accounts", "y", "none", *[None] * 3),
    ]
    lineage.write_file(rows, tmp_path / "column_lineage.csv")
    with duckdb.connect() as connection:
        connection.execute("create schema quality")
        lineage.write_table(connection, tmp_path / "column_lineage.csv")
        assert connection.execute("from quality.column_lineage").fetchall() == rows
        lineage.write_file([], tmp_path / "column_lineage.csv")
        lineage.write_table(connection, tmp_path / "column_lineage.csv")
        assert connection.execute("from quality.column_lineage").fetchall() == []
