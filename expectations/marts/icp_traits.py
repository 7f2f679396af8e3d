"""Traits of personas as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Tests whose figures fit each other."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "an effect lies within its interval",
            breaks=(
                "log_odds not between log_odds_low and log_odds_high"
                " or difference not between difference_low and difference_high"
            ),
            **asked,
            reason="An effect outside of its own interval was computed of other accounts than the interval.",
            column="log_odds",
        ),
        condition(
            "an adjusted p is not below the plain one",
            breaks="p_adjusted < p - 0.0000001 or p not between 0 and 1 or p_adjusted > 1",
            **asked,
            reason="Traits are said by the adjusted p: below the plain one, chance is said as fact.",
            column="p_adjusted",
        ),
        condition(
            "what is refused or unknown distinguishes nothing",
            breaks="is_distinguishing and reason is not null",
            **asked,
            reason="A trait that defines who is best would be found in any data.",
            column="is_distinguishing",
        ),
    ]
