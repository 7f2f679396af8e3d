"""Back-tests of the fit as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Tenths that are parts of their test."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        rows(
            "the tenths of a test add up to all of it",
            broken=f"""select 1 from {BATCH} group by test
                having sum(case when decile = 0 then n else -n end) <> 0
                    or sum(case when decile = 0 then k else -k end) <> 0""",
            of=f"select test from {BATCH} group by test",
            **asked,
            reason="Lift and calibration are read by tenth: with accounts missing they flatter.",
            column="n",
        ),
        condition(
            "every test has a verdict or its tenths",
            breaks="decile = 0 and (verdict is null or (auc is null and reason is null))",
            **asked,
            reason="A score is published with what it is worth, or with why that is not known.",
            column="verdict",
        ),
    ]
