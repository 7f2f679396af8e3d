"""Daily follower statistics as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, recent, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between


def suite(given: Given) -> list[Expectation]:
    """Counts of days that are over, the newest of them recent."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    counted = "WeChat counts people: a negative number is a column read from the wrong place."
    return [
        *rejected(given, "wechat", "daily_follower_stats"),
        not_in_future(given, "ref_date"),
        between("new_user", 0, None, **marketing, reason=counted),
        between("cancel_user", 0, None, **marketing, reason=counted),
        between("cumulate_user", 0, None, **marketing, reason=counted),
        recent(
            given,
            "ref_date",
            given.bounds["follower_stats_fresh_days"],
            owner=Owner.MARKETING_OPERATIONS,
            reason="WeChat has the numbers of a day the next morning; older means that the token or the quota failed.",
        ),
    ]
