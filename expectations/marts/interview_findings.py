"""What interviews say, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Shares that are shares, and nothing sensitive."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a share lies within its bounds and rests on enough interviews",
            breaks=(
                "k > n or rate < rate_low - 0.000001 or rate > rate_high + 0.000001"
                " or rate is not null and n < (select value from seeds.persona_thresholds"
                " where threshold = 'min_cell_customers')"
            ),
            **asked,
            reason="A share of two interviews reads like a finding and is an anecdote.",
            column="rate",
        ),
        rows(
            "nothing about age, sex, residence, education, marriage or income stands among the answers",
            broken=f"select question_code from {BATCH} where finding_type <> 'set aside' and question_code in"
            " (select question_code from seeds.question_bank where is_sensitive)",
            of=f"select question_code from {BATCH}",
            **asked,
            reason="By side and by role the same persons are counted: a small cell could be told from the difference.",
            column="question_code",
        ),
    ]
