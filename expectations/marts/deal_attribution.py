"""What deals are credited to, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Credit that is a share, for touches before the deal."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given, crm_ids=("deal_id",)),
        condition(
            "a weight is a share",
            breaks="weight <= 0 or weight > 1.000000001",
            **asked,
            reason="Credit of nothing, or of more than the deal, turns the worth of every channel around.",
            column="weight",
        ),
        condition(
            "a deal without a touch says so",
            breaks="touchpoint_id is null and channel <> 'unknown'",
            **asked,
            reason="Credit of a channel that nobody saw.",
            column="channel",
        ),
    ]
