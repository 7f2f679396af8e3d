"""Stages of leads and deals as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows

DEALS = "staging.stg_crm__deals"


def suite(given: Given) -> list[Expectation]:
    """A funnel that loses no deal and invents none."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    live = f"select deal_id from {DEALS} where not coalesce(is_deleted, false)"
    opportunities = f"select deal_id from {BATCH} where stage = 'opportunity' and is_primary_lead"
    return [
        *no_personal_data(given, crm_ids=("lead_id", "deal_id")),
        rows(
            "every staged deal is an opportunity of one lead that counts for it",
            broken=f"{live} and deal_id not in ({opportunities} group by deal_id having count(*) = 1)",
            of=f"{live} /* beside {BATCH} */",
            **asked,
            reason=(
                "Also a deal without a company, a contact or a date is in the funnel: a lost or doubled one changes"
                " every conversion rate."
            ),
            column="deal_id",
        ),
        rows(
            "every deal of the funnel is a staged deal",
            broken=f"select deal_id from {BATCH} where deal_id not in (select deal_id from {DEALS})",
            of=f"select deal_id from {BATCH} where deal_id is not null",
            **asked,
            reason="A deal that was not delivered cannot be in the funnel.",
            column="deal_id",
        ),
        over_by_day_end(given, "entered_at", Severity.WARNING),
        condition(
            "left_at is not before entered_at",
            where="entered_at is not null and left_at is not null",
            breaks="left_at < entered_at",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason=(
                "These are the CRM's own dates, and it closes deals before it creates them: what entering tolerates"
                " cannot stop a release. Such a span counts backwards in every duration of the funnel."
            ),
            column="left_at",
        ),
    ]
