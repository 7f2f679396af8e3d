"""Counts and scores of labels, on rows whose every figure can be told by hand."""

from __future__ import annotations

import duckdb
import pytest

from accuracy.labels import classes, compared, macro_f1, scores

ROWS = """
    select * from (values
        ('a', 'a', 'one', 0.95, true), ('a', 'a', 'two', 0.95, true), ('a', 'b', 'three', 0.55, true),
        ('b', 'b', 'four', 0.55, false), ('b', null, 'five', null, true), (null, 'a', 'six', 0.9, true),
        ('c', 'a', 'three', 0.95, true), ('c', null, 'seven', null, false)
    ) as t (so, said, shown, stated, evident)"""


def test_what_is_not_said_is_a_miss_and_what_nothing_speaks_for_is_counted_apart() -> None:
    found = compared(duckdb.connect(), ROWS)
    assert {name: n for name, n in found.counts.items() if "|" not in name} == {
        "no evidence": 1, "with evidence": 6, "labelled": 5, "right": 3,
    }  # fmt: skip
    assert found.examples == (
        "a → b: 1, such as three",
        "b → nothing said: 1, such as five",
        "c → a: 1, such as three",
    )
    assert classes(found.counts) == [
        ("a", 3, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3)),
        ("b", 2, 0.5, 0.5, 0.5),
        ("c", 1, 0.0, 0.0, 0.0),
    ]
    assert macro_f1(found.counts) == pytest.approx((2 / 3 + 0.5) / 3)


def test_scores_carry_their_interval() -> None:
    told = scores(compared(duckdb.connect(), ROWS).counts)
    assert told["accuracy"] == 0.5
    assert told["said"] == pytest.approx(5 / 6)
    assert told["right of said"] == 0.6
    # Wilson's interval of 3 of 6
    assert (round(told["from"], 4), round(told["to"], 4)) == (0.1876, 0.8124)


def test_what_is_stated_stands_beside_what_is_so() -> None:
    bins = compared(duckdb.connect(), ROWS).bins
    assert [(one.low, one.high, one.pairs, one.right, round(one.stated, 2)) for one in bins] == [
        (0.5, 0.6, 2, 1, 1.1),
        (0.95, 1.0, 3, 2, 2.85),
    ]
