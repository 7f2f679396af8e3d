"""Check-ups of accounts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Verdicts that follow from what is known, and risks that are told."""
    return [
        *no_personal_data(given),
        condition(
            "risks that are counted are told, in both languages",
            breaks="(risk_count > 0) <> (risks_zh is not null and risks_en is not null)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A verdict without its reasons cannot be explained to the customer's seller.",
            column="risks_en",
        ),
        condition(
            "what is unknown says why, and nobody is well of whom nothing is known",
            breaks="(health = 'unknown') <> (reason is not null) or known_count > asked_count",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Silence is no health: an account without data must not look like a good one.",
            column="health",
        ),
        condition(
            "days without touch are not negative",
            breaks="days_without_touch < 0",
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason="A touch after the night means that a clock or a time zone is wrong.",
            column="days_without_touch",
        ),
    ]
