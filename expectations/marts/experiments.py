"""A/B tests as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Tests with one control, whose results are not read where they must not be."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "successes are part of the visitors and a rate lies within its bounds",
            breaks=(
                "k > n or behaviour_k > n or n + mixed_count > visitor_count"
                " or rate < rate_low - 0.000001 or rate > rate_high + 0.000001"
            ),
            **asked,
            reason="A person who counts twice makes a variant look better than it is.",
            column="rate",
        ),
        condition(
            "no result is read where the visitors are not shared out as planned",
            breaks="not is_share_as_planned and result in ('better', 'worse', 'no difference that matters is likely')",
            **asked,
            reason="With a broken assignment the groups differ before anything was shown to them.",
            column="result",
        ),
        rows(
            "an experiment has one control",
            broken=f"select experiment_id from {BATCH} group by experiment_id having count_if(is_control) <> 1",
            of=f"select distinct experiment_id from {BATCH}",
            severity=Severity.WARNING,
            owner=Owner.MARKETING_OPERATIONS,
            reason="Variants are compared with the control: without one, or with two, there is nothing to compare.",
            column="is_control",
        ),
    ]
