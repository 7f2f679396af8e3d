"""Topic episodes as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Episodes that are over by the night, follow each other, and hold no more visits than there are sessions."""
    return [
        *no_personal_data(given),
        ordered("started_at", "ended_at"),
        over_by_day_end(given, "ended_at", Severity.CRITICAL),
        condition(
            "shares of an episode lie between nought and one",
            breaks="purposefulness not between 0 and 1 or covered_share not between 0 and 1"
            " or driver_share not between 0 and 1",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A share outside means that visits or parts of the list were counted twice.",
            column="covered_share",
        ),
        rows(
            "episodes hold no visit twice",
            broken=(
                f"select 1 from (select sum(session_count) as visits from {BATCH})"
                " where visits > (select count(*) from marts.sessions where account_id is not null)"
            ),
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A session has one topic and belongs to one episode at most.",
            column="session_count",
        ),
    ]
