"""Milestones of accounts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Milestones that have been reached."""
    return [
        *no_personal_data(given),
        condition(
            "a milestone was reached by the as-of date",
            breaks=f"reached_on is null or reached_on > date '{given.as_of}' or days_ago < 0",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Somebody congratulates on it: a milestone of the future, or of no day, is an embarrassment.",
            column="reached_on",
        ),
    ]
