"""Contacts as the CRM delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import EMAIL_SHAPE, known_words, not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """People that belong to a company and can be linked to what they do elsewhere."""
    return [
        *rejected(given, "crm", "contacts"),
        not_in_future(given, "created_at", Owner.SALES_OPERATIONS),
        not_in_future(given, "updated_at"),
        resolvable(
            "company_id",
            "staging.stg_crm__companies",
            "company_id",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="A contact of an undelivered company has no account; usually the export of companies is filtered.",
        ),
        resolvable(
            "merged_into_id",
            "staging.stg_crm__contacts",
            "contact_id",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="A merge into a contact that was not delivered loses the merged one's activities.",
        ),
        resolvable(
            "openid",
            "staging.stg_wechat__followers",
            "openid",
            severity=Severity.INFO,
            owner=Owner.MARKETING_OPERATIONS,
            at_most=given.bounds["unknown_follower_share_max"],
            reason=(
                "Openids in the CRM come from this account's followers. People unfollow, so some are gone; when most"
                " are unknown, the ids belong to another Official Account."
            ),
        ),
        shaped(
            "email",
            EMAIL_SHAPE,
            owner=Owner.SALES_OPERATIONS,
            at_most=given.bounds["misshapen_share_max"],
            reason="Salespeople type notes into the field; a few are normal, many mean a wrong column was mapped.",
        ),
        condition(
            "most contacts have an e-mail address or a phone number",
            where="not coalesce(is_deleted, false)",
            breaks="email is null and phone is null",
            severity=Severity.INFO,
            owner=Owner.SALES_OPERATIONS,
            reason="Identity links people by these keys: contacts without either stay alone, whatever they do.",
            at_most=given.bounds["unreachable_share_max"],
        ),
        known_words(
            "lead_status",
            "lead_statuses",
            "source_status",
            owner=Owner.SALES_OPERATIONS,
            reason="A status that nobody mapped leaves the lead raw, and its conversion is not seen.",
        ),
        known_words(
            "lifecycle_stage",
            "lead_statuses",
            "source_status",
            owner=Owner.SALES_OPERATIONS,
            reason="A status that nobody mapped leaves the lead raw, and its conversion is not seen.",
        ),
        known_words(
            "buying_role",
            "known_words",
            "word",
            owner=Owner.SALES_OPERATIONS,
            reason="An unknown role fills no place in the decision chain.",
            where="vocabulary = 'buying_role'",
        ),
    ]
