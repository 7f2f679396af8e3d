"""Fit of accounts as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Scores that add up and stay in their segments."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        rows(
            "base and signals add up to the score",
            broken="""
                select 1 from {batch} where score is not null and abs(score - base_points - coalesce(list_sum(
                    list_transform(regexp_extract_all(signals, '([+-][0-9.]+)(?:;|$)', 1), lambda p: cast(p as double))
                ), 0)) > 0.05""",
            of=f"select 1 from {BATCH} where score is not null",
            **asked,
            reason="A score that its signals do not add up to cannot be explained to who is ranked by it.",
            column="score",
        ),
        condition(
            "a probability is one, and tells whether there is a score",
            breaks=(
                "probability not between 0 and 1"
                " or (score is null) <> (probability is null)"
                " or (score is null and reason is null)"
            ),
            **asked,
            reason="Routing multiplies by it.",
            column="probability",
        ),
    ]
