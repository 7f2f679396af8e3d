"""Leads as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import EMAIL_SHAPE, known_words, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Given, Severity, resolvable


def suite(given: Given) -> list[Expectation]:
    """Leads whose conversions lead somewhere."""
    return [
        *rejected(given, "crm", "leads"),
        not_in_future(given, "created_at", Owner.MARKETING_OPERATIONS),
        not_in_future(given, "updated_at"),
        resolvable(
            "converted_contact_id",
            "staging.stg_crm__contacts",
            "contact_id",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="The person of a converted lead is found through this id; without it one person counts twice.",
        ),
        resolvable(
            "converted_deal_id",
            "staging.stg_crm__deals",
            "deal_id",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="The funnel passes from lead to deal through this id; without it the lead looks lost.",
        ),
        shaped(
            "email",
            EMAIL_SHAPE,
            owner=Owner.MARKETING_OPERATIONS,
            at_most=given.bounds["misshapen_share_max"],
            reason="Forms let typing errors through; many misshapen addresses mean a wrong column was mapped.",
        ),
        known_words(
            "lead_status",
            "lead_statuses",
            "source_status",
            owner=Owner.MARKETING_OPERATIONS,
            reason="A status that nobody mapped leaves the lead raw, and its conversion is not seen.",
        ),
        known_words(
            "lifecycle_stage",
            "lead_statuses",
            "source_status",
            owner=Owner.MARKETING_OPERATIONS,
            reason="A status that nobody mapped leaves the lead raw, and its conversion is not seen.",
        ),
    ]
