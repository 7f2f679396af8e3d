"""Answers of interviews, as they were delivered."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.incoming import rejected
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, between, condition, resolvable, rows

ANSWERS = (
    f"select b.*, a.answer_code, a.is_inferred from {BATCH} as a"
    " join seeds.question_bank as b on b.question_code = lower(trim(a.question_code)) where a.answer_code is not null"
)
CODED = f"select * from ({ANSWERS}) where answer_kind = 'coded'"
TABOO = f"select * from ({ANSWERS}) where is_taboo"


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
        rows(
            "a coded answer stands in the list of its question",
            broken=f"select answer_code from ({CODED}) where (question_code, lower(trim(answer_code))) not in"
            " (select (question_code, answer_code) from seeds.answer_codes)",
            of=CODED,
            **marketing,
            reason="It is set aside: code it as other with the words beside it, or add it to the seed answer_codes.",
            column="answer_code",
        ),
        rows(
            "what is never asked outright was inferred",
            broken=f"select question_code from ({TABOO}) where not coalesce(is_inferred, false)",
            of=TABOO,
            **marketing,
            reason="It is set aside: KPIs, private matters and secrets are taboo; mark what the interviewer inferred.",
            column="is_inferred",
        ),
        between(
            "confidence",
            0,
            1,
            **marketing,
            reason="It weighs the answer as a share; percentages would outweigh everything else a hundred times.",
        ),
    ]
