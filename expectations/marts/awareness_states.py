"""States of awareness as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Forward in time, one present state, and an action for it."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        over_by_day_end(given, "entered_at", Severity.CRITICAL),
        ordered("entered_at", "left_at"),
        condition(
            "the present state has an action",
            breaks="is_current and (action_en is null or action_zh is null)",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason="A state without a procedure in the seed awareness_actions leaves sales without a next step.",
            column="action_en",
        ),
        condition(
            "a state is told of an account or a person",
            breaks="coalesce(contact_id, account_id) is null",
            **asked,
            reason="A state of nobody is a join that went wrong.",
            column="subject_type",
        ),
    ]
