"""The best customers as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """A rank without gaps, by a score that is a mean of places."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a score is a share and rests on at least one measure",
            breaks="score not between 0 and 1 or (rank_number is not null and measure_count < 1)",
            **asked,
            reason="The ideal customer is modelled on the first of this list; a score of nothing leads it astray.",
            column="score",
        ),
        rows(
            "ranks run from one without a gap",
            broken=f"select 1 from {BATCH} having coalesce(max(rank_number), 0) <> count(distinct rank_number)",
            of=f"select account_id from {BATCH} where rank_number is not null",
            **asked,
            reason="The ten best are those with a rank up to ten: with a gap or a tie they are nine or eleven.",
            column="rank_number",
        ),
    ]
