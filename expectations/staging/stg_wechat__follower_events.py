"""Follower events as WeChat pushed them to the receiver."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import not_in_future, rejected, shaped
from expectations.owners import Owner
from expectations.rules import Given


def suite(given: Given) -> list[Expectation]:
    """Events of followers that have happened, in the words that WeChat uses."""
    marketing = Owner.MARKETING_OPERATIONS
    return [
        *rejected(given, "wechat", "follower_events"),
        not_in_future(given, "created_at", marketing),
        shaped(
            "openid",
            "^[0-9A-Za-z_-]{6,64}$",
            owner=marketing,
            reason="Openids are letters, digits, _ and -; anything else was cut or re-encoded on its way.",
        ),
        shaped(
            "event",
            "^[a-z0-9_]+$",
            owner=marketing,
            reason="The receiver writes WeChat's own words in lower case; others come from another writer.",
        ),
    ]
