"""Follow episodes as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Episodes in order of time, with outcomes that came after the follow."""
    return [
        *no_personal_data(given),
        ordered("followed_at", "unfollowed_at"),
        over_by_day_end(given, "followed_at", Severity.CRITICAL),
        condition(
            "what came of a follow came after it",
            breaks="first_lead_at < followed_at or first_sql_at < followed_at or first_won_at < followed_at",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A purchase before the follow was not won by it: the channel would be praised for the past.",
            column="first_won_at",
        ),
        condition(
            "most follows are known, not only the leave",
            breaks="not is_follow_known",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason="Who followed before the records began is told of by the leave alone; half of all is no log.",
            at_most=0.5,
            column="is_follow_known",
        ),
    ]
