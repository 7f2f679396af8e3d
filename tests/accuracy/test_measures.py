"""Scores are what they say, on pairs counted by hand."""

from __future__ import annotations

import duckdb
import pytest

from accuracy import identities
from accuracy.measures import MEASURES, Bin, Found, Measure, pairwise, share_right
from accuracy.report import page, total


def test_scores() -> None:
    assert pairwise({"right": 8, "wrong": 2, "missed": 8}) == {
        "precision": 0.8,
        "recall": 0.5,
        "f1": pytest.approx(0.6153846),
    }
    assert pairwise({"right": 0, "wrong": 0, "missed": 0}) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert share_right({"right": 3, "all": 4}) == {"accuracy": 0.75}
    assert set(MEASURES) >= {"accounts", "persons"}


def test_pairs_are_counted_as_by_hand() -> None:
    connection = duckdb.connect()
    connection.execute("create schema identity")
    connection.execute("""create table identity.links
        (entity varchar, node_l varchar, node_r varchar, method varchar, match_probability double, names integer)""")
    connection.execute("""create temp table judged as select * from (values
        ('a', 'x', 'P', 'a', ''), ('b', 'x', 'P', 'b', ''), ('c', 'x', 'Q', 'c', ''),
        ('d', 'y', 'P', 'd', ''), ('e', 'z', 'P', 'e', 'far'), ('f', 'w', null, 'f', '')
    ) as t(node, said, so, shown, reach)""")
    connection.execute("""insert into identity.links values
        ('account', 'a', 'b', 'likeness', 0.97, 1), ('account', 'a', 'c', 'likeness', 0.96, 1),
        ('account', 'b', 'd', 'likeness', 0.5, 1), ('account', 'c', 'd', 'likeness', 0.1, -2),
        ('account', 'a', 'd', 'likeness', 0.9, 1), ('account', 'a', 'd', 'domain', 1.0, null)""")
    found = identities._judge(connection, "account")
    # a b is right; a c and b c are wrong; a d and b d are missed; e cannot be reached from a, b, d
    assert found.counts == {"right": 1, "wrong": 2, "missed": 2, "out of reach": 3}
    assert set(found.examples) == {
        "said to be one: a / c (1 pairs)", "said to be one: b / c (1 pairs)",
        "not found to be one: a / d (1 pairs)", "not found to be one: b / d (1 pairs)",
    }  # fmt: skip
    # what a key joins and what a rule parts is not told by likeness
    assert found.bins == (Bin(0.4, 0.6, 1, 1, 0.5), Bin(0.95, 0.99, 2, 1, pytest.approx(1.93)))


def test_the_page_adds_worlds_and_names_what_misses_its_bar() -> None:
    one = Measure("things", lambda connection: Found({}), pairwise, {"precision": 0.9, "recall": 0.5})
    worlds = {
        1: Found({"right": 9, "wrong": 1, "missed": 0}, ("an example",), (Bin(0.9, 1.0, 10, 9, 9.5),)),
        2: Found({"right": 1, "wrong": 9, "missed": 0}, (), (Bin(0.9, 1.0, 10, 1, 9.5),)),
    }
    assert total(worlds) == {"missed": 0, "right": 10, "wrong": 10}
    text = page([one], {"things": worlds}, 20)
    assert "| things | precision | 0.5000 | 0.90 | **no** |" in text
    assert "| things | recall | 1.0000 | 0.50 | yes |" in text
    assert "| 0.90 to 1.00 | 20 | 0.950 | 0.500 |" in text
    assert "Calibration error: 0.450." in text
    assert "- seed 1: an example" in text
