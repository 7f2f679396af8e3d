"""The map of posts around a purchase, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Net gains that add up, and priorities that stand on something."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "the net gain is the gains less the burden",
            where="net_gain is not null",
            breaks="abs(efficiency_gain + cost_gain + experience_gain - burden - net_gain) > 0.00001",
            **asked,
            reason="Who reads why a post comes first must be able to add it up.",
            column="net_gain",
        ),
        condition(
            "a priority has a reason, a net gain and an influence that rests on enough people",
            where="priority is not null",
            breaks=(
                "priority_reason_en is null or priority_reason_zh is null or net_gain is null or influence is null"
                " or people_count < (select value from seeds.persona_thresholds where threshold = 'min_cell_customers')"
            ),
            **asked,
            reason="The product is built for who comes first.",
            column="priority",
        ),
    ]
