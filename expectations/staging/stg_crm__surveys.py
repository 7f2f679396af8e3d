"""Answers to surveys, as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import known_words, not_in_future, rejected
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition, resolvable


def suite(given: Given) -> list[Expectation]:
    """Answers of somebody known, with scores of their scale."""
    success = Asked(severity=Severity.WARNING, owner=Owner.CUSTOMER_SUCCESS)
    lost = "The answer of somebody undelivered speaks for no account; the survey tool knows other ids than the CRM."
    return [
        *rejected(given, "crm", "surveys"),
        not_in_future(given, "responded_at", Owner.CUSTOMER_SUCCESS),
        condition(
            "the score of an NPS answer is 0 to 10",
            where="lower(survey_type) = 'nps' and score is not null",
            breaks="score < 0 or score > 10 or score <> trunc(score)",
            **success,
            reason="The question has eleven steps; other numbers answer another question, or are the net score.",
            column="score",
        ),
        condition(
            "most answers have a score",
            breaks="score is null",
            **success,
            reason="Some leave only a comment; where most do, the score's column is not mapped.",
            at_most=given.bounds["survey_without_score_share_max"],
            column="score",
        ),
        resolvable("company_id", "staging.stg_crm__companies", "company_id", **success, reason=lost),
        resolvable("contact_id", "staging.stg_crm__contacts", "contact_id", **success, reason=lost),
        condition(
            "most answers tell whose they are",
            breaks="company_id is null and contact_id is null",
            **success,
            reason="Anonymous answers count in the whole and for no account; where most are, no account has a score.",
            at_most=given.bounds["anonymous_answer_share_max"],
        ),
        known_words(
            "survey_type",
            "known_words",
            "word",
            owner=Owner.CUSTOMER_SUCCESS,
            reason="An answer to an unknown question counts for no score.",
            where="vocabulary = 'survey_type'",
        ),
    ]
