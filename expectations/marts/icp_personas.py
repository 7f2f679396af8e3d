"""Ideal customer personas as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Cards whose figures are possible, and that say why where they are empty."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a rate lies within its interval and customers are among the accounts",
            breaks=(
                "customer_count > account_count or customer_rate not between customer_rate_low and customer_rate_high"
            ),
            **asked,
            reason="Sales plans by these rates: one outside of its own interval is a mistake of the night, no finding.",
            column="customer_rate",
        ),
        condition(
            "a card without a description says why",
            breaks="description_en is null and reason is null",
            **asked,
            reason="A blank card with no reason reads as if nothing were to be known.",
            column="reason",
        ),
    ]
