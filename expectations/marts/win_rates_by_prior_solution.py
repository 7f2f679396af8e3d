"""Win rates by prior solution as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Rates of deals that are counted once."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        rows(
            "the kinds of prior solution add up to all deals",
            broken=f"""select 1 from {BATCH}
                having sum(case level when 'all' then n when 'prior solution' then -n else 0 end) <> 0""",
            of=f"select 1 from {BATCH} limit 1",
            **asked,
            reason="A deal of two kinds would count as two.",
            column="n",
        ),
        condition(
            "a rate is what was counted and lies within its interval",
            breaks=(
                "wins > n or abs(win_rate - wins / n) > 0.000001 or win_rate not between win_rate_low and win_rate_high"
            ),
            **asked,
            reason="Sales decides by it whom to call first.",
            column="win_rate",
        ),
    ]
