"""Hypotheses and their verdicts, as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Verdicts that their numbers bear."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a verdict rests on ten interviews and on an interval that does not hold the bound",
            breaks=(
                "k > n or verdict in ('supported', 'refuted')"
                " and (is_thin or rate_low is null or rate_low <= bound and rate_high >= bound)"
            ),
            **asked,
            reason="Who reads a verdict acts on it; one that chance could give sends sales the wrong way.",
            column="verdict",
        ),
    ]
