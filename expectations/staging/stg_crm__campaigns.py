"""Campaigns as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, not_before, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between


def suite(given: Given) -> list[Expectation]:
    """Campaigns in the order of time and of a plausible budget."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    return [
        *rejected(given, "crm", "campaigns"),
        not_before(
            "ended_at",
            "started_at",
            **marketing,
            reason="A campaign that ends before it begins has no members in its time: the two columns are swapped.",
        ),
        between(
            "budget",
            0,
            None,
            **marketing,
            reason="A budget cannot be negative; what came back is a spend.",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.MARKETING_OPERATIONS,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): a budget in any other currency text cannot be compared with a spend.",
        ),
    ]
