"""Entities keep their ids: what merges, splits, goes and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from persona_warehouse.identity.clusters import cluster
from persona_warehouse.identity.ledger import assign_ids
from persona_warehouse.keyed_hash import keyed_hash
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import scratch


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PERSONA_HASH_KEY", "a key for the tests only")
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 1), "Asia/Shanghai", 7)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as one:
        one.execute("create schema identity")
        yield one


def components(connection: duckdb.DuckDBPyConnection, nodes: list[str], edges: list[tuple[str, str]]) -> set[str]:
    """The components, each as its nodes in order."""
    connection.execute("create or replace temp table nodes (node varchar)")
    connection.execute("create or replace temp table edges (node_l varchar, node_r varchar)")
    for node in nodes:
        connection.execute("insert into nodes values (?)", [node])
    for edge in edges:
        connection.execute("insert into edges values (?, ?)", edge)
    cluster(connection, "nodes", "edges", "found")
    rows = connection.execute("select string_agg(node, '' order by node) from found group by cluster_id").fetchall()
    return {row[0] for row in rows}


def test_components(connection: duckdb.DuckDBPyConnection) -> None:
    assert components(connection, [], []) == set()
    assert components(connection, list("abc"), []) == {"a", "b", "c"}
    chain = [("a", "b"), ("c", "b"), ("c", "d"), ("f", "e"), ("f", "e")]
    assert components(connection, list("abcdefg"), chain) == {"abcd", "ef", "g"}
    assert components(connection, list("abcdefg"), chain[::-1]) == {"abcd", "ef", "g"}
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    assert components(connection, list("gfedcba"), ring) == {"abc", "d", "e", "f", "g"}


def test_a_long_chain_is_one(connection: duckdb.DuckDBPyConnection) -> None:
    nodes = [f"{number:02}" for number in range(30)]
    links = list(pairwise(nodes))
    assert components(connection, nodes, links[::2] + links[1::2]) == {"".join(nodes)}


def test_nothing_is_left_behind(connection: duckdb.DuckDBPyConnection) -> None:
    components(connection, list("abc"), [("a", "b")])
    left = connection.execute("select table_name from duckdb_tables() order by all").fetchall()
    assert left == [("edges",), ("found",), ("nodes",)]
    # views on what was given, for as long as the connection is open
    views = connection.execute("select distinct database_name from duckdb_views() where not internal").fetchall()
    assert views == [("temp",)]


class Nights:
    """Clusters given as words: each letter is a node, each word a cluster."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.connection, self.settings, self.day = connection, settings, 0

    def night(self, words: str, *, same_day: bool = False) -> dict[str, str]:
        """Node -> id after a night that found these clusters."""
        self.day += not same_day
        rows = [(node, word[-1] + "!") for word in words.split() for node in word]  # cluster ids that mean nothing
        self.connection.execute("create or replace temp table clusters (node varchar, cluster_id varchar)")
        if rows:
            self.connection.executemany("insert into clusters values (?, ?)", rows)
        settings = self.settings.with_date(date(2026, 11, self.day))
        assign_ids(self.connection, settings, "contact", "c_", "clusters")
        found = dict(self.connection.execute("select node, entity_id from identity.assigned").fetchall())
        now = {node: found[node] for word in words.split() for node in word}
        for word in words.split():
            assert len({now[node] for node in word}) == 1, word
        assert len(set(now.values())) == len(words.split())
        return now

    def changes(self) -> list[tuple[str, str, str]]:
        """Changes of the last night."""
        query = (
            "select change, id_before, id_after from identity.changes "
            "where changed_on = ? and change <> 'new' order by all"
        )
        return self.connection.execute(query, [date(2026, 11, self.day)]).fetchall()


@pytest.fixture
def nights(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Nights:
    return Nights(connection, settings)


def test_a_new_entity_is_named_after_its_first_member(nights: Nights, settings: Settings) -> None:
    found = nights.night("cab d")
    assert found["b"] == "c_" + keyed_hash(settings, "contact|a")[:16]
    assert found["d"] == "c_" + keyed_hash(settings, "contact|d")[:16]
    assert nights.changes() == []


def test_ids_stay_when_records_come(nights: Nights) -> None:
    first = nights.night("bc x")
    second = nights.night("abcd xyz e")  # a now comes first, and the name stays
    assert {node: second[node] for node in first} == first
    assert second["a"] == first["b"]
    assert nights.changes() == []
    assert nights.night("abcd xyz e") == second


def test_merging_keeps_the_older_id(nights: Nights) -> None:
    old = nights.night("z")["z"]
    young = nights.night("z a b")
    merged = nights.night("zab")
    assert set(merged.values()) == {old}
    assert nights.changes() == sorted([("merge", young["a"], old), ("merge", young["b"], old)])
    assert nights.night("zab", same_day=True) == merged
    assert len(nights.changes()) == 2  # written once
    nights.night("zab")
    assert nights.changes() == []


def test_a_young_record_does_not_make_an_old_entity_young(nights: Nights) -> None:
    old = nights.night("b")["b"]
    nights.night("b x")
    nights.night("bcd x")
    assert nights.night("bcdx")["x"] == old


def test_splitting_keeps_the_id_with_the_larger_part(nights: Nights) -> None:
    before = nights.night("abcde")["a"]
    after = nights.night("ab cde")
    assert after["c"] == before
    assert after["a"] != before
    assert nights.changes() == [("split", before, after["a"])]
    assert nights.night("ab cde") == after
    assert nights.changes() == []
    assert nights.night("ab cde f")["a"] == after["a"]


def test_equal_parts_are_settled_by_their_first_members(nights: Nights) -> None:
    before = nights.night("abcd")["a"]
    after = nights.night("cd ab")
    assert after["a"] == before != after["c"]


def test_a_part_that_bears_the_name_in_use_gets_another(nights: Nights, settings: Settings) -> None:
    before = nights.night("abc")["a"]
    after = nights.night("a bc")
    assert after["b"] == before == "c_" + keyed_hash(settings, "contact|a")[:16]
    assert after["a"] not in (before, "c_" + keyed_hash(settings, "contact|b")[:16])
    again = nights.night("a bc", same_day=True)
    assert again == after


def test_a_part_that_moves_over_is_a_split_and_its_rest_may_merge(nights: Nights) -> None:
    old = nights.night("z")["z"]
    young = nights.night("z abc")["a"]
    after = nights.night("zab c")  # the larger part of abc joins z, the smaller stands alone
    assert after["a"] == old
    assert nights.changes() == sorted([("merge", young, old), ("split", young, after["c"])])
    other = nights.night("za b c")
    assert other["a"] == old
    assert nights.changes() == [("split", old, other["b"])]


def test_members_swapped_between_entities(nights: Nights) -> None:
    before = nights.night("abc xyz")
    after = nights.night("abx cyz")
    assert (after["a"], after["y"]) == (before["a"], before["x"])
    assert nights.changes() == sorted([("moved", before["a"], before["x"]), ("moved", before["x"], before["a"])])


def test_what_goes_and_comes_back_is_itself(nights: Nights) -> None:
    before = nights.night("ab c")
    nights.night("a")
    nights.night("")
    assert nights.night("ab c") == before
    assert nights.changes() == []


def test_what_comes_back_after_a_merge_follows_it_when_it_is_linked(nights: Nights) -> None:
    old = nights.night("a")["a"]
    nights.night("a bc")
    nights.night("ab")  # c is gone when its entity merges
    assert nights.night("abc")["c"] == old


def test_entities_of_another_kind_do_not_matter(
    nights: Nights, connection: duckdb.DuckDBPyConnection, settings: Settings
) -> None:
    contacts = nights.night("ab")
    assign_ids(connection, settings, "account", "a_", "clusters")
    found = connection.execute("select distinct entity, entity_id from identity.assigned order by all").fetchall()
    assert [entity for entity, _ in found] == ["account", "contact"]
    assert found[0][1].startswith("a_")
    assert found[1][1] == contacts["a"]
    assert found[0][1].removeprefix("a_") != found[1][1].removeprefix("c_")


def test_the_order_of_rows_and_the_names_of_clusters_do_not_matter(settings: Settings) -> None:
    stories = (
        ["abc xyz q", "abx cyz q r", "abxq cy z r"],
        ["q zyx cba", "r q zyc xba", "z yc r qxba"],
    )
    ends = []
    for story in stories:
        with scratch() as connection:
            connection.execute("create schema identity")
            nights = Nights(connection, settings)
            for words in story:
                end = nights.night(words)
            ends.append(
                (dict(sorted(end.items())), connection.execute("from identity.changes order by all").fetchall())
            )
    assert ends[0] == ends[1]
