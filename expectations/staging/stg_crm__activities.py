"""Calls, meetings and other activities as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Activities of plausible length with somebody the CRM knows."""
    sales = Asked(severity=Severity.WARNING, owner=Owner.SALES_OPERATIONS)
    horizon = given.bounds["activity_horizon_days"]
    lost = "An activity that points to nothing delivered is work that no account shows."
    return [
        *rejected(given, "crm", "activities"),
        resolvable("company_id", "staging.stg_crm__companies", "company_id", **sales, reason=lost),
        resolvable("contact_id", "staging.stg_crm__contacts", "contact_id", **sales, reason=lost),
        resolvable("deal_id", "staging.stg_crm__deals", "deal_id", **sales, reason=lost),
        between(
            "minutes",
            0,
            given.bounds["activity_minutes_max"],
            **sales,
            reason="No call or meeting lasts longer than the upper bound; seconds were exported as minutes.",
        ),
        condition(
            "occurred_at is within the planning horizon",
            breaks=f"occurred_at >= {given.after_day_end(horizon)}",
            **sales,
            reason=f"Meetings are planned ahead, but hardly more than {horizon:g} days: later is a typing error.",
            column="occurred_at",
        ),
        known_words(
            "activity_type",
            "activity_types",
            "source_type",
            owner=Owner.SALES_OPERATIONS,
            reason="An activity of an unknown type is a touch, but no evidence of how far the account is.",
        ),
    ]
