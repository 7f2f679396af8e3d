"""Daily statistics of the account as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, recent, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, condition


def suite(given: Given) -> list[Expectation]:
    """Counts of people on days that are over, the newest of them recent."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    return [
        *rejected(given, "wechat", "account_daily_stats"),
        not_in_future(given, "ref_date", Owner.MARKETING_OPERATIONS),
        between(
            "read_user",
            0,
            None,
            **marketing,
            reason="WeChat counts people: a negative number is a column read from the wrong place.",
        ),
        condition(
            "no more people share than read",
            where="read_user is not null",
            breaks="share_user > read_user",
            **marketing,
            reason="What nobody opened cannot be shared: the columns are swapped, or one is of another day.",
            column="share_user",
        ),
        recent(
            given,
            "ref_date",
            given.bounds["follower_stats_fresh_days"],
            owner=Owner.MARKETING_OPERATIONS,
            reason="WeChat has the numbers of a day the next morning; older means that the token or the quota failed.",
        ),
    ]
