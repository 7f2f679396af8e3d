"""Who decides and who uses: what is known of each role, in the steps of the method, and what interviews found."""

from __future__ import annotations

from persona_warehouse.report import charts
from persona_warehouse.report.sections import RATE_INTERVAL, Column, Page, Section

TOLD = Column("told", words={"zh": "value_zh", "en": "value_en"})
SHARE = (
    Column("rate_of_role", "share", n="n"),
    RATE_INTERVAL,
    Column("amount", "number"),
    Column("unit", "label"),
    Column("is_thin", "flag"),
)

# where a second answer tells as much as the first
TWO_ANSWERS = ("title", "goal", "obstacle", "pain", "information_source", "research")


def _role(name: str, role: str) -> Section:
    """What is known of a role at all customers; of each aspect what most of them say."""
    return Section(
        name,
        "marts.decision_maker_personas",
        f"""select step, aspect, value_zh, value_en, n, rate as rate_of_role, rate_low, rate_high, amount, unit, is_thin
            from marts.decision_maker_personas
            where persona = 'all' and decision_role = '{role}' and stage is null
                and (rate is not null or amount is not null)
                and aspect not in ('job_function_evenness', 'seniority_evenness', 'complexity_and_stakeholders')
                and value_rank <= case when aspect in {TWO_ANSWERS} then 2 else 1 end
            order by step_number, aspect, value_rank""",
        (Column("step", "label"), Column("aspect", "label"), TOLD, *SHARE),
        first_rows=20,
    )


PAGE = Page(
    "people",
    (
        _role("deciders", "final"),
        _role("advisers", "adviser"),
        _role("daily_users", "user"),
        Section(
            "posts",
            "marts.user_personas",
            """select post_zh, post_en, aspect, value_zh, value_en, n, rate as rate_of_role, rate_low, rate_high,
                amount, unit, is_thin
            from marts.user_personas
            where value_rank <= 1 and (rate is not null or amount is not null)
            order by post = 'all' desc, post, aspect""",
            (
                Column("post", words={"zh": "post_zh", "en": "post_en"}), Column("aspect", "label"), TOLD, *SHARE,
            ),
        ),
        Section(
            "hypotheses",
            "marts.hypotheses",
            """select statement_zh, statement_en, verdict, n, rate as rate_of_role, rate_low, rate_high, is_thin
            from marts.hypotheses order by hypothesis_id""",
            (
                Column("statement", words={"zh": "statement_zh", "en": "statement_en"}), Column("verdict", "label"),
                Column("rate_of_role", "share", n="n"),
                RATE_INTERVAL, Column("is_thin", "flag"),
            ),
            lambda rows, language: charts.intervals(
                [
                    row | {"statement": row[f"statement_{language.code}"]}
                    for row in rows if row["rate_of_role"] is not None
                ],
                "statement", "rate_of_role", "rate_low", "rate_high", str(language.t("headers.rate_of_role")),
                reference=0.5,
            ) if any(row["rate_of_role"] is not None for row in rows) else None,
        ),
        Section(
            "agreement",
            "marts.interview_findings",
            """select question_zh, question_en, layer, n, rate as agreement_rate, rate_low, rate_high, alpha
            from marts.interview_findings where finding_type = 'agreement' and rate is not null
            order by rate, question_code""",
            (
                Column("question", words={"zh": "question_zh", "en": "question_en"}), Column("layer", "label"),
                Column("agreement_rate", "share", n="n"),
                RATE_INTERVAL, Column("alpha", "number"),
            ),
        ),
    ),
)  # fmt: skip
