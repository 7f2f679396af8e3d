"""The wrapper of Splink: few rows, empty columns, silence, the same result whatever the order."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import duckdb
import pytest

from persona_warehouse.identity import linkage
from persona_warehouse.identity.linkage import Comparison, Design, Level, Model

DESIGN = Design(
    (
        Comparison(
            "name",
            "name_l is null or name_r is null",
            (Level("same name", "name_l = name_r", 0.9, 1e-3, "name"), Level("other name", "ELSE", 0.1, 0.999)),
        ),
        Comparison(
            "town",
            "town_l is null or town_r is null",
            (Level("same town", "town_l = town_r", 0.8, 0.1), Level("other town", "ELSE", 0.2, 0.9)),
        ),
    ),
    blocking=("l.name = r.name",),
    certain=("l.name = r.name and l.town = r.town",),
    training=("l.town = r.town",),
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def fill(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    connection.execute(f"create or replace table records as select * from (values {rows}) as t(node, name, town)")


def scored(connection: duckdb.DuckDBPyConnection, model: Model) -> list[tuple[object, ...]]:
    linkage.score(connection, model, "records", "pairs", least=0.0)
    return connection.execute("select node_l, node_r, round(match_probability, 6) from pairs order by all").fetchall()


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        ("('a', 'x', 'y')", []),
        ("('a', 'x', null), ('b', 'x', null)", [("a", "b")]),
        ("('a', cast(null as varchar), cast(null as varchar)), ('b', null, null)", []),
        ("('b', 'x', 'y'), ('a', 'x', 'y'), ('c', 'x', 'y')", [("a", "b"), ("a", "c"), ("b", "c")]),
    ],
)
def test_few_rows_and_empty_columns_are_scored_by_hand(
    connection: duckdb.DuckDBPyConnection, rows: str, pairs: list[tuple[str, str]]
) -> None:
    fill(connection, rows)
    model = linkage.train(connection, DESIGN, "records", frequencies="terms")
    assert (model.records, model.learnt) == (0, ())
    assert [row[:2] for row in scored(connection, model)] == pairs
    assert [row[0] for row in connection.execute("show tables").fetchall()] == ["pairs", "records", "terms"]


MANY = """
    select 'n' || i as node, 'name' || (i // 2) as name,
           case when i % 7 = 0 then null else 'town' || (i % 11) end as town
    from range(600) as t(i)"""


def test_a_trained_model_does_not_depend_on_the_order(connection: duckdb.DuckDBPyConnection) -> None:
    models = []
    for order in ("hash(node)", "node desc"):
        connection.execute(f"create or replace table records as select * from ({MANY}) order by {order}")
        models.append(linkage.train(connection, DESIGN, "records", frequencies="terms"))
    assert models[0].to_json() == models[1].to_json()
    assert models[0].records == 600
    towns = models[0].settings["comparisons"][1]["comparison_levels"]
    assert towns[1]["u_probability"] == pytest.approx(1 / 11, rel=0.1)  # counted, not guessed
    assert Model.from_json(models[0].to_json()).to_json() == models[0].to_json()


def test_one_value_in_all_rows_is_no_fault(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table records as select 'n' || i as node, 'x' as name, null::varchar as town from range(300) t(i)"
    )
    model = linkage.train(connection, DESIGN, "records", frequencies="terms")
    assert model.records == 300
    linkage.score(connection, model, "records", "pairs", least=0.0)
    # a name that everybody bears says next to nothing
    assert connection.execute("select count(*), max(match_probability) < 0.05 from pairs").fetchall() == [(44850, True)]


def test_a_common_name_weighs_less(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        create table records as
        select 'n' || i as node, case when i < 200 then 'common' when i < 202 then 'rare' else 'other' || i end as name,
               null::varchar as town from range(1000) as t(i)""")
    model = linkage.train(connection, DESIGN, "records", frequencies="terms")
    linkage.score(connection, model, "records", "pairs", least=0.0)
    weights = dict(connection.execute(
        "select r.name, max(match_weight) from pairs as p join records as r on r.node = p.node_l group by all"
    ).fetchall())  # fmt: skip
    assert weights["rare"] - weights["common"] == pytest.approx(6.64, abs=0.01)  # log2 of 200 to 2


def test_only_new_records_are_compared(connection: duckdb.DuckDBPyConnection) -> None:
    fill(connection, "('a', 'x', 'y'), ('b', 'x', 'y'), ('c', 'x', 'y'), ('d', 'x', 'y')")
    model = linkage.by_hand(DESIGN)
    everything = scored(connection, model)
    connection.execute("create table fresh as select * from (values ('c'), ('d')) as t(node)")
    linkage.score(connection, model, "records", "part", least=0.0, new="fresh")
    part = connection.execute("select node_l, node_r, round(match_probability, 6) from part order by all").fetchall()
    assert part == [row for row in everything if row[:2] != ("a", "b")]


def test_nothing_is_said(
    connection: duckdb.DuckDBPyConnection, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    connection.execute(f"create table records as {MANY}")
    with caplog.at_level(logging.INFO):
        scored(connection, linkage.train(connection, DESIGN, "records", frequencies="terms"))
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("splink")] == []


def test_the_steps_of_a_score_add_up(connection: duckdb.DuckDBPyConnection) -> None:
    fill(connection, "('a', 'x', 'y'), ('b', 'x', 'z')")
    rows = linkage.waterfall_of(connection, linkage.by_hand(DESIGN), "records", "b", "a")
    assert [(row["step"], row["says"]) for row in rows] == [
        ("prior", "two records at random"), ("name", "same name"), ("town", "other town"), ("sum", None),
    ]  # fmt: skip
    assert rows[-1]["weight"] == pytest.approx(sum(row["weight"] for row in rows[:-1]))
    assert linkage.waterfall_of(connection, linkage.by_hand(DESIGN), "records", "a", "nobody") == []
