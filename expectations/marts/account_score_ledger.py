"""The score of customers, factor by factor, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Points that follow from place and weight."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "points are 100 times place times weight, with the sign of the factor",
            breaks=(
                "abs(points - 100 * normalised * weight_share * if(direction = 'minus', -1, 1)) > 0.001"
                " or normalised not between 0 and 1 or weight_share not between 0 and 1"
            ),
            **asked,
            reason="A score is explained by its entries: points that do not follow from them explain nothing.",
            column="points",
        ),
        rows(
            "the weights of an account add up to one",
            broken=(
                f"select account_id from {BATCH} group by account_id"
                " having abs(sum(weight_share) - 1) > 0.0001 or count(*) <> count(distinct factor)"
            ),
            of=f"select distinct account_id from {BATCH}",
            **asked,
            reason="Accounts are ranked against each other: whose weights add up to more stands too high.",
            column="weight_share",
        ),
    ]
