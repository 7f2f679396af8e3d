"""A mart that has no suite of its own yet: it may hold anything but personal data."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.rules import Given


def suite(given: Given) -> list[Expectation]:
    """What holds for every mart, listed or not."""
    return no_personal_data(given)
