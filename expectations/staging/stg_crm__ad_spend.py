"""What was spent on advertising, as it was delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import CURRENCY_SHAPE, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, condition


def suite(given: Given) -> list[Expectation]:
    """Costs of past days, with at most as many clicks as impressions."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    return [
        *rejected(given, "crm", "ad_spend"),
        not_in_future(given, "spend_date", Owner.MARKETING_OPERATIONS),
        between(
            "cost",
            0,
            None,
            **marketing,
            reason="A day's cost cannot be negative: a refund written into it would make the acquired leads cheaper.",
        ),
        condition(
            "clicks are not negative and not more than impressions",
            where="clicks is not null",
            breaks="clicks < 0 or clicks > impressions",
            **marketing,
            reason="What was not shown cannot be clicked: the columns are swapped, or one is of another day.",
            column="clicks",
        ),
        shaped(
            "currency",
            CURRENCY_SHAPE,
            owner=Owner.MARKETING_OPERATIONS,
            severity=Severity.WARNING,
            reason="Three capitals (ISO 4217): a cost in any other currency text is not converted to CNY.",
        ),
    ]
