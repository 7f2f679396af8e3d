"""Counts and scores of labels, on rows whose every figure can be told by hand."""

from __future__ import annotations

import duckdb
import pytest

from accuracy.labels import classes, compared, macro_f1, scores

ROWS = """
    select * from (values
        ('a', 'a', 'one', 0.95), ('a', 'a', 'two', 0.95), ('a', 'b', 'three', 0.55), ('b', 'b', 'four', 0.55),
        ('b', null, 'five', null), (null, 'a', 'six', 0.9), ('c', 'a', 'three', 0.95)
    ) as t (so, said, shown, stated)"""


def test_what_is_not_known_is_counted_apart_and_confusions_are_told() -> None:
    found = compared(duckdb.connect(), ROWS)
    assert {name: n for name, n in found.counts.items() if "|" not in name} == {"all": 6, "known": 5, "right": 3}
    assert found.examples == ("a said to be b: 1, such as three", "c said to be a: 1, such as three")
    assert classes(found.counts) == [
        ("a", 3, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3)),
        ("b", 1, 0.5, 1.0, pytest.approx(2 / 3)),
        ("c", 1, 0.0, 0.0, 0.0),
    ]
    assert macro_f1(found.counts) == pytest.approx(4 / 9)


def test_scores_carry_their_interval() -> None:
    told = scores(compared(duckdb.connect(), ROWS).counts)
    assert told["accuracy"] == 0.6
    assert told["known"] == pytest.approx(5 / 6)
    # Wilson's interval of 3 of 5
    assert (round(told["from"], 4), round(told["to"], 4)) == (0.2307, 0.8824)


def test_what_is_stated_stands_beside_what_is_so() -> None:
    bins = compared(duckdb.connect(), ROWS).bins
    assert [(one.low, one.high, one.pairs, one.right, round(one.stated, 2)) for one in bins] == [
        (0.5, 0.6, 2, 1, 1.1),
        (0.95, 1.0, 3, 2, 2.85),
    ]
