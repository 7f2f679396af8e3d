"""Stages of the accounts' journeys as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """One journey an account, forward in time, with evidence."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        over_by_day_end(given, "entered_at", Severity.CRITICAL),
        ordered("entered_at", "left_at"),
        condition(
            "days is not negative",
            breaks="days < 0",
            **asked,
            reason="The time in a stage is a length; a negative one turns every average of the stage around.",
            column="days",
        ),
        rows(
            "an account is in at most one stage now",
            broken=f"select account_id from {BATCH} where is_current group by account_id having count(*) > 1",
            of=f"select distinct account_id from {BATCH} where is_current",
            **asked,
            reason="Readers filter on is_current and count accounts: two current stages count an account twice.",
            column="is_current",
        ),
        condition(
            "every stage carries its evidence",
            breaks="evidence is null or coalesce(evidence_count, 0) < 1",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason="A stage is a conclusion: without the records behind it nobody can check or contradict it.",
            column="evidence",
        ),
    ]
