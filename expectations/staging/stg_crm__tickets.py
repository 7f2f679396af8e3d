"""Support tickets as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_before, not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, resolvable


def suite(given: Given) -> list[Expectation]:
    """Tickets in the order of time, of plausible effort, for a known company."""
    support = Asked(severity=Severity.WARNING, owner=Owner.CUSTOMER_SUCCESS)
    lost = "A ticket of somebody undelivered is effort that no account shows: its customer looks easy to serve."
    return [
        *rejected(given, "crm", "tickets"),
        not_in_future(given, "opened_at", Owner.CUSTOMER_SUCCESS),
        not_before(
            "closed_at",
            "opened_at",
            **support,
            reason="A ticket system stamps both itself, so none is tolerated: the columns are swapped or of two zones.",
        ),
        between(
            "effort_hours",
            0,
            given.bounds["ticket_effort_hours_max"],
            **support,
            reason="Effort cannot be negative, and beyond a year of one person's work minutes were read as hours.",
        ),
        resolvable("company_id", "staging.stg_crm__companies", "company_id", **support, reason=lost),
        resolvable("contact_id", "staging.stg_crm__contacts", "contact_id", **support, reason=lost),
    ]
