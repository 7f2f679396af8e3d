"""Portraits of users, as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Shares and numbers that rest on enough, and KPIs that nobody was asked for."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a share or a number of a post rests on enough and lies within its bounds",
            breaks=(
                "(rate is not null or amount is not null) and n < (select value from seeds.persona_thresholds"
                " where threshold = 'min_cell_customers') or k > n"
                " or rate < rate_low - 0.000001 or rate > rate_high + 0.000001"
                " or amount < amount_low - 0.000001 or amount > amount_high + 0.000001"
            ),
            **asked,
            reason="A post of three people is three people.",
            column="rate",
        ),
        condition(
            "every KPI of a post was inferred",
            where="aspect = 'kpi'",
            breaks="coalesce(inferred_count, 0) <> k",
            **asked,
            reason="KPIs are never asked outright; an answer to such a question must not come so far.",
            column="inferred_count",
        ),
    ]
