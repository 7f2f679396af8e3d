"""Readers and sharers of articles a day as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, resolvable


def suite(given: Given) -> list[Expectation]:
    """Counts of people on days that are over, of articles that have a title."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    counted = "WeChat counts people: a negative number is a column read from the wrong place."
    return [
        *rejected(given, "wechat", "article_daily_stats"),
        not_in_future(given, "ref_date", Owner.MARKETING_OPERATIONS),
        between("read_user", 0, None, **marketing, reason=counted),
        between("share_user", 0, None, **marketing, reason=counted),
        resolvable(
            "msgid",
            "staging.stg_wechat__article_stats",
            "msgid",
            severity=Severity.INFO,
            owner=Owner.MARKETING_OPERATIONS,
            reason=(
                "Title and address stand in the cumulative statistics, which are read for the last 30 days of"
                " publishing: an older article that is still read has none; if most have none, the ids differ."
            ),
            at_most=given.bounds["articles_without_title_share_max"],
        ),
    ]
