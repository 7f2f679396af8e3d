"""Scored pairs to groups: chains, contradictions, and who is torn between two."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from persona_warehouse.identity.grouping import group

PRIOR = -10.0


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def grouped(
    connection: duckdb.DuckDBPyConnection,
    weights: dict[str, float],
    *,
    names: dict[str, int] | None = None,
    bases: dict[str, str] | None = None,
    apart: tuple[str, ...] = (),
    backwards: bool = False,
) -> set[str]:
    """Groups of one-letter records; a pair is a word of two letters. What has no weight has -14."""
    letters = sorted({letter for pair in (*weights, *(bases or {})) for letter in pair})
    connection.execute("create or replace table nodes (node varchar, base varchar)")
    connection.execute("create or replace table pairs (node_l varchar, node_r varchar, match_weight double)")
    connection.execute("create or replace table apart (base_l varchar, base_r varchar)")
    rows = [(letter, (bases or {}).get(letter, letter)) for letter in letters]
    edges = [(pair[0], pair[1], weight) for pair, weight in weights.items()]
    for row in rows[::-1] if backwards else rows:
        connection.execute("insert into nodes values (?, ?)", list(row))
    for edge in edges[::-1] if backwards else edges:
        connection.execute("insert into pairs values (?, ?, ?)", list(edge))
    for pair in apart:
        connection.execute("insert into apart values (?, ?)", list(pair))

    def score_pairs(asked: str, out: str) -> None:
        connection.execute(
            f"create or replace temp table {out} (node_l varchar, node_r varchar, match_weight double, names integer)"
        )
        for one, other in connection.execute(f"select node_l, node_r from {asked}").fetchall():
            pair = one + other
            connection.execute(
                f"insert into {out} values (?, ?, ?, ?)",
                [one, other, weights.get(pair, -14.0), (names or {}).get(pair, 0)],
            )

    group(connection, "nodes", "pairs", "apart", "found", threshold=0.9, prior=PRIOR, score_pairs=score_pairs)
    found = connection.execute(
        "select string_agg(n.node, '' order by n.node) from nodes as n join found using (base) group by cluster_id"
    ).fetchall()
    return {row[0] for row in found}


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({"ab": 5, "cd": 1}, {"ab", "c", "d"}),
        # who is alike only through another, but nothing speaks against it
        ({"ab": 9, "bc": 9, "ac": -4}, {"abc"}),
        # the ends of a chain contradict each other: the middle goes to the one it is likelier to be
        ({"ab": 15, "bc": 5, "ac": -20}, {"ab", "c"}),
        # or to neither
        ({"ab": 9, "bc": 9, "ac": -20}, {"a", "b", "c"}),
        # two groups and a weak bridge
        ({"ab": 12, "cd": 12, "bc": 4, "ac": -16, "ad": -16, "bd": -16}, {"ab", "cd"}),
    ],
)
def test_chains_are_cut(connection: duckdb.DuckDBPyConnection, weights: dict[str, float], found: set[str]) -> None:
    assert grouped(connection, weights) == found
    assert grouped(connection, weights, backwards=True) == found


def test_names_that_disagree_part(connection: duckdb.DuckDBPyConnection) -> None:
    assert grouped(connection, {"ab": 9}, names={"ab": -1}) == {"a", "b"}
    # of two records that are one, the other's name agrees
    assert grouped(connection, {"ac": 9, "bc": 9}, names={"ac": -1, "bc": 1}, bases={"a": "a", "b": "a", "c": "c"}) == {
        "abc"
    }
    assert grouped(connection, {"ac": 9, "bc": 9}, names={"ac": -2, "bc": 1}, bases={"a": "a", "b": "a", "c": "c"}) == {
        "ab", "c",
    }  # fmt: skip


def test_a_decision_parts(connection: duckdb.DuckDBPyConnection) -> None:
    assert grouped(connection, {"ab": 30}, apart=("ba",)) == {"a", "b"}


def test_no_pairs_and_no_records(connection: duckdb.DuckDBPyConnection) -> None:
    assert grouped(connection, {}, bases={"a": "a", "b": "b"}) == {"a", "b"}
    assert grouped(connection, {}) == set()
