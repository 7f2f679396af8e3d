"""Web sessions as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows

EVENTS = "staging.stg_website__events"


def suite(given: Given) -> list[Expectation]:
    """Sessions that hold every event once."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    held = f"(select coalesce(sum(event_count), 0)::bigint from {BATCH})"
    staged = f"(select count(*) from {EVENTS})"
    return [
        *no_personal_data(given),
        ordered("started_at", "ended_at"),
        over_by_day_end(given, "started_at", Severity.WARNING),
        condition(
            "counts and durations are not negative",
            breaks="duration_seconds < 0 or page_views < 0 or event_count < 1",
            **asked,
            reason="A session is made of events: it has at least one, and none of them lasts less than nothing.",
            column="event_count",
        ),
        condition(
            "page_views are part of the events",
            breaks="page_views > event_count",
            **asked,
            reason="A page view is an event: more views than events means that a join fanned out.",
            column="page_views",
        ),
        rows(
            "sessions hold no event twice",
            broken=f"select unnest(range(greatest(0, {held} - {staged})))",
            of=f"select event_id from {EVENTS} /* beside {BATCH} */",
            **asked,
            reason="The sum over sessions exceeds the staged events only if an event counts in two sessions.",
            column="event_count",
        ),
        rows(
            "sessions hold every event",
            broken=f"select unnest(range(greatest(0, {staged} - {held})))",
            of=f"select event_id from {EVENTS} /* beside {BATCH} */",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason=(
                "Events without a session are traffic that no report shows; a share is tolerated for events that the"
                " model leaves out on purpose, such as those of the future."
            ),
            at_most=given.bounds["events_without_session_share_max"],
            column="event_count",
        ),
    ]
