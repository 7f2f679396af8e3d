"""New against long-active followers as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Shares of a whole, within their intervals, with a reason where one is missing."""
    return [
        *no_personal_data(given),
        condition(
            "who converted is among those who were counted",
            breaks="new_k > new_n or long_k > long_n",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="More conversions than followers means that a join fanned out.",
            column="new_k",
        ),
        condition(
            "rates and lift lie within their intervals",
            breaks="new_rate not between new_rate_low - 1e-9 and new_rate_high + 1e-9"
            " or long_rate not between long_rate_low - 1e-9 and long_rate_high + 1e-9"
            " or lift not between lift_low and lift_high",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="An interval that does not hold its own rate was computed from other numbers.",
            column="lift",
        ),
        condition(
            "a missing lift has its reason",
            breaks="lift is null and reason is null",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="An empty cell without a reason is read as no difference.",
            column="reason",
        ),
    ]
