"""Use of the product, as it was delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, resolvable


def suite(given: Given) -> list[Expectation]:
    """Use by known companies on days that have come."""
    success = Asked(severity=Severity.WARNING, owner=Owner.CUSTOMER_SUCCESS)
    return [
        *rejected(given, "crm", "product_usage"),
        not_in_future(given, "usage_date", Owner.CUSTOMER_SUCCESS),
        between(
            "usage_count",
            0,
            None,
            **success,
            reason="A count cannot be negative; it would make a customer who uses the product look like one who left.",
        ),
        resolvable(
            "company_id",
            "staging.stg_crm__companies",
            "company_id",
            **success,
            reason="Use by an undelivered company shows in no account: the product numbers its tenants differently.",
        ),
    ]
