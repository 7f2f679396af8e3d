"""The funnel of leads as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Rates of what they say, inside of their intervals."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "no more leads go on than entered",
            breaks="converted > entered or lost > entered - converted",
            **asked,
            reason="A rate above one means that leads were counted twice.",
            column="converted",
        ),
        condition(
            "a rate lies in its interval",
            breaks=(
                "rate < rate_lower - 0.000001 or rate > rate_upper + 0.000001"
                " or rate_by_horizon < rate_by_horizon_lower - 0.000001"
                " or rate_by_horizon > rate_by_horizon_upper + 0.000001"
            ),
            **asked,
            reason="An interval that leaves its own rate out was counted from other leads.",
            column="rate",
        ),
        condition(
            "an empty rate says why",
            breaks="rate is null and rate_gap is null",
            **asked,
            reason="A rate of few leads is not told; an empty cell without a reason is read as none.",
            column="rate_gap",
        ),
    ]
