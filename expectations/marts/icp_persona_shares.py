"""Shares of the facets of personas as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Shares of what was counted."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a share is what was counted and lies within its interval",
            breaks="k > n or k < 1 or abs(share - k / n) > 0.000001 or share not between share_low and share_high",
            **asked,
            reason="Stories quote these shares with their n.",
            column="share",
        ),
    ]
