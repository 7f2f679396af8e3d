"""The history of deal stages as the CRM delivered it."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Given, Severity, resolvable


def suite(given: Given) -> list[Expectation]:
    """Stage entries that belong to a deal and have happened."""
    return [
        *rejected(given, "crm", "deal_stage_history"),
        not_in_future(given, "entered_at", Owner.SALES_OPERATIONS),
        resolvable(
            "deal_id",
            "staging.stg_crm__deals",
            "deal_id",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="History of a deal that was not delivered shows in no funnel; the two exports are filtered apart.",
        ),
        known_words(
            "stage",
            "deal_stages",
            "source_stage",
            owner=Owner.SALES_OPERATIONS,
            reason="A stage that nobody mapped counts as open and in the middle of the journey, even if it says won.",
        ),
    ]
