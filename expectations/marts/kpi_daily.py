"""Operating metrics by day as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, rows


def suite(given: Given) -> list[Expectation]:
    """Series without gaps, whose parts are not more than the whole."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        rows(
            "a series has every day from its first to the as-of date",
            broken=(
                f"select metric from {BATCH} group by metric, segment_type, segment"
                f" having count(*) <> date_diff('day', min(day), date '{given.as_of}') + 1"
            ),
            of=f"select distinct metric, segment_type, segment from {BATCH}",
            **asked,
            reason="A week ago is seven rows before: with a day missing, or there twice, every comparison slips.",
            column="day",
        ),
        rows(
            "the parts of a metric are not more than the whole",
            broken=(
                "select metric from (select metric, day, segment_type, sum(value) as part,"
                " sum(sum(if(segment_type = 'all', value, 0))) over (partition by metric, day) as whole"
                f" from {BATCH} group by metric, day, segment_type) where part > whole + 0.01"
            ),
            of=f"select distinct metric, day, segment_type from {BATCH}",
            **asked,
            reason="A record belongs to one segment of a kind; more means that a join fanned out.",
            column="value",
        ),
    ]
