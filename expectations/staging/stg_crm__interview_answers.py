"""Answers of interviews, as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, between, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Answers that say something, of a known interview."""
    marketing = Asked(severity=Severity.WARNING, owner=Owner.MARKETING_OPERATIONS)
    return [
        *rejected(given, "crm", "interview_answers"),
        resolvable(
            "interview_id",
            "staging.stg_crm__interviews",
            "interview_id",
            **marketing,
            reason="An answer of an undelivered interview has no respondent, so it counts for no role.",
        ),
        condition(
            "an answer has a code or a text",
            breaks="answer_code is null and answer_text is null",
            **marketing,
            reason="A question without an answer is no evidence; leave it out, or code it as not answered.",
        ),
        between(
            "confidence",
            0,
            1,
            **marketing,
            reason="It weighs the answer as a share; percentages would outweigh everything else a hundred times.",
        ),
    ]
