"""Follower tags as the Official Account delivered them."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import rejected
from expectations.owners import Owner
from expectations.rules import Given, Severity, between


def suite(given: Given) -> list[Expectation]:
    """Tags with a count of their followers."""
    return [
        *rejected(given, "wechat", "tags"),
        between(
            "follower_count",
            0,
            None,
            severity=Severity.WARNING,
            owner=Owner.MARKETING_OPERATIONS,
            reason="A count cannot be negative; WeChat answers so only for a tag that is being deleted.",
        ),
    ]
