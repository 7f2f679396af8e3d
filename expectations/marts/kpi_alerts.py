"""Swings of operating metrics as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Alerts that are what they say."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a value that swung is outside of its bounds, on the side that is told",
            breaks=(
                "(direction = 'up' and value < upper_bound - 0.001)"
                " or (direction = 'down' and value > lower_bound + 0.001)"
            ),
            **asked,
            reason="Somebody is called out of bed for it: a value within its bounds is no alert.",
            column="value",
        ),
        condition(
            "an adjusted chance is not below the plain one",
            breaks="q_value < p_value - 0.0000001 or p_value not between 0 and 1 or q_value not between 0 and 1",
            **asked,
            reason="Adjusting for many figures makes a swing less surprising, never more.",
            column="q_value",
        ),
    ]
