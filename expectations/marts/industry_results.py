"""Results by industry as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Industries that are parts of the market."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        rows(
            "the industries add up to the market",
            broken=f"""select 1 from {BATCH}
                having sum(case when industry_section = 'all' then account_count else -account_count end) <> 0
                    or sum(case when industry_section = 'all' then decided_n else -decided_n end) <> 0""",
            of=f"select 1 from {BATCH} limit 1",
            **asked,
            reason="An account in two industries would make two customers of one.",
            column="account_count",
        ),
        condition(
            "a rate lies within its interval",
            breaks="won_n > decided_n or win_rate not between win_rate_low and win_rate_high",
            **asked,
            reason="Plans by industry rest on it.",
            column="win_rate",
        ),
    ]
