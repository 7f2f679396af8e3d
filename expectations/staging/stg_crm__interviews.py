"""Interviews as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Interviews that were held, with somebody known."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    lost = "An interview of somebody undelivered gives evidence for no persona."
    return [
        *rejected(given, "crm", "interviews"),
        not_in_future(given, "interviewed_at", Owner.MARKETING_OPERATIONS),
        resolvable("company_id", "staging.stg_crm__companies", "company_id", **marketing, reason=lost),
        resolvable("contact_id", "staging.stg_crm__contacts", "contact_id", **marketing, reason=lost),
        condition(
            "nobody refused to be recorded",
            where="has_consent is not null",
            breaks="not has_consent",
            **marketing,
            reason="None is tolerated: answers of a person who did not agree are to be removed from the source.",
            column="has_consent",
        ),
    ]
