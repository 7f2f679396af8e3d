"""Portraits of those who decide, as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition

MIN_CELL = "(select value from seeds.persona_thresholds where threshold = 'min_cell_customers')"


def suite(given: Given) -> list[Expectation]:
    """Shares and numbers that rest on enough, and no small cell of anything sensitive."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a share or a number rests on enough and lies within its bounds",
            breaks=(
                f"(rate is not null or amount is not null) and n < {MIN_CELL} or k > n"
                " or rate < rate_low - 0.000001 or rate > rate_high + 0.000001"
                " or amount < amount_low - 0.000001 or amount > amount_high + 0.000001"
            ),
            **asked,
            reason="A share of three people says more about them than about deciders.",
            column="rate",
        ),
        condition(
            "age, sex, residence, education, marriage and income are cells of the smallest size or more",
            where="step = 'demographics'",
            breaks=f"k < {MIN_CELL} or persona <> 'all' or decision_role = 'all'",
            **asked,
            reason="Below it a cell is a person; and sums over roles or personas would give small cells away.",
            column="k",
        ),
    ]
