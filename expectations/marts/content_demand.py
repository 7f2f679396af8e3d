"""Demand and supply of content as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Cells whose shares add up, whose rates are shares, and whose gaps have a reason."""
    cell = "role, stage, channel"
    return [
        *no_personal_data(given),
        condition(
            "who went further is among those who read",
            breaks="k > n or rate not between rate_low - 1e-9 and rate_high + 1e-9",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="More conversions than readers means that a join fanned out.",
            column="k",
        ),
        rows(
            "the demand of an audience adds up to one",
            broken=(
                f"select 1 from {BATCH} where demand_share is not null group by {cell}"
                " having abs(sum(demand_share) - 1) > 1e-6"
            ),
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Shares that do not add up have lost or doubled a content type, and every gap is wrong.",
            column="demand_share",
        ),
        condition(
            "a missing rate has its reason",
            breaks="(rate is null or demand_share is null) and reason is null",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="An empty cell without a reason is read as nought.",
            column="reason",
        ),
    ]
