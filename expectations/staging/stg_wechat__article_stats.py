"""Cumulative statistics of articles as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_before, not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, condition


def suite(given: Given) -> list[Expectation]:
    """Counts from the day of publishing on, final within days."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    settled = given.after_day_end(-given.bounds["articles_final_days"])
    return [
        *rejected(given, "wechat", "article_stats"),
        not_in_future(given, "stat_date", Owner.MARKETING_OPERATIONS),
        not_before(
            "stat_date",
            "published_on",
            **marketing,
            reason="Nobody reads an article before it is published: the two dates are swapped.",
        ),
        between(
            "read_user",
            0,
            None,
            **marketing,
            reason="WeChat counts people: a negative number is a column read from the wrong place.",
        ),
        condition(
            "no more followers read than people",
            where="read_user is not null",
            breaks="read_subscribe_user > read_user",
            **marketing,
            reason="Followers among the readers are some of the readers: the columns are swapped.",
            column="read_subscribe_user",
        ),
        condition(
            "numbers become final",
            where=f"stat_date < {settled}",
            breaks="is_delay",
            **marketing,
            at_most=given.bounds["articles_never_final_share_max"],
            min_rows=given.bounds["reject_rate_min_rows"],
            reason=(
                "Preliminary numbers are read again until they are final; many old ones that still are preliminary mean"
                " that the nights do not reach the API."
            ),
            column="is_delay",
        ),
    ]
