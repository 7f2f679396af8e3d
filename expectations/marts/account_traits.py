"""Traits of accounts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Traits that say something, and by whom."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a trait has a value and evidence",
            breaks="value is null or trim(value) = '' or evidence is null or trim(evidence) = ''",
            **asked,
            reason="What is not known has no row; a trait that nobody tells cannot be explained to who acts on it.",
            column="evidence",
        ),
        condition(
            "confidence is within 0 to 1",
            breaks="confidence not between 0 and 1 or isnan(confidence)",
            **asked,
            reason="Readers filter on this share: a weight or a percentage in its place would pass any filter.",
            column="confidence",
        ),
    ]
