"""Touchpoints as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, rows


def suite(given: Given) -> list[Expectation]:
    """Touches of somebody known, in the past."""
    return [
        *no_personal_data(given),
        over_by_day_end(given, "occurred_at", Severity.WARNING),
        rows(
            "web touches are not more than the sessions",
            broken=(
                f"select unnest(range(greatest(0, (select count(*) from {BATCH}"
                " where touchpoint_type = 'web_session') - (select count(*) from marts.sessions))))"
            ),
            of=f"select touchpoint_id from {BATCH} where touchpoint_type = 'web_session'",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A session is one touch: more touches than sessions means that a join fanned out.",
            column="touchpoint_type",
        ),
    ]
