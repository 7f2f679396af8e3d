"""Role tags as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Role tags as they leave."""
    return [
        *no_personal_data(
            given,
        ),
        condition(
            "confidences are within 0 to 1",
            breaks="confidence not between 0 and 1 or tag_confidence not between 0 and 1 or isnan(confidence)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Readers filter on this share: a weight or a percentage in its place would pass any filter.",
            column="confidence",
        ),
        rows(
            "of each type a person has at most one selected tag",
            broken=f"select contact_id, tag_type from {BATCH} group by contact_id, tag_type"
            " having count(distinct tag) filter (is_selected) > 1",
            of=f"select distinct contact_id, tag_type from {BATCH}",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="The mart contacts shows it: two would be a choice by chance.",
        ),
    ]
