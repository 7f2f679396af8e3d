"""Key accounts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Shares that add up to the whole of each region."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a share is part of the cumulative share and this of the whole",
            # of 80,000 accounts the share of the least is nought in six digits
            breaks=(
                "amount_cny <= 0 or region_share < 0 or region_share > cumulative_share + 0.000001"
                " or cumulative_share > 1.000001"
            ),
            **asked,
            reason="The 80/20 rule is read off the cumulative share; above one an account counts twice.",
            column="cumulative_share",
        ),
        rows(
            "the shares of a region add up to one",
            broken=(
                f"select region_code from {BATCH} group by measure, region_type, region_code"
                " having abs(sum(region_share) - 1) > 0.001 or count(*) <> max(account_count)"
            ),
            of=f"select distinct measure, region_type, region_code from {BATCH}",
            **asked,
            reason="Who is missing in the region, or there twice, moves everybody's share.",
            column="region_share",
        ),
        condition(
            "every key account has a team with its four seats",
            where="is_key",
            breaks=(
                "team is null or sales_seat is null or operations_seat is null or product_seat is null"
                " or analyst_seat is null"
            ),
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason="The seed account_teams has no row for this scope: nobody looks after the account.",
            column="team",
        ),
    ]
