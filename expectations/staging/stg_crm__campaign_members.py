"""Who took part in which campaign, as it was delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Participations of somebody known in a known campaign."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    lost = "A participant who was not delivered is a touch that no account shows; the two exports are filtered apart."
    return [
        *rejected(given, "crm", "campaign_members"),
        resolvable(
            "campaign_id",
            "staging.stg_crm__campaigns",
            "campaign_id",
            **marketing,
            reason="A participation in an undelivered campaign has no channel and no cost.",
        ),
        resolvable("contact_id", "staging.stg_crm__contacts", "contact_id", **marketing, reason=lost),
        resolvable("lead_id", "staging.stg_crm__leads", "lead_id", **marketing, reason=lost),
        condition(
            "a participation names a contact or a lead",
            breaks="contact_id is null and lead_id is null",
            **marketing,
            reason="A participation of nobody cannot be given to an account: the id's column is not mapped.",
        ),
        not_in_future(given, "responded_at", Owner.MARKETING_OPERATIONS),
    ]
