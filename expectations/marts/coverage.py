"""How well every column is filled, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows
from expectations.staging import OBJECTS

STAGED = " union all ".join(
    f"select '{stream}' as stream, '{name}' as object, count(*) as row_count from staging.stg_{stream}__{name}"
    for stream, name in OBJECTS
)


def suite(given: Given) -> list[Expectation]:
    """Shares that are shares."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "filled_share is within 0 to 1",
            where="filled_share is not null",
            breaks="filled_share < 0 or filled_share > 1 or isnan(filled_share)",
            **asked,
            reason="It is a share of rows; NaN is what a division by no rows leaves, and null is what belongs there.",
            column="filled_share",
        ),
        condition(
            "filled_count is part of row_count",
            breaks="filled_count < 0 or filled_count > row_count",
            **asked,
            reason="Filled rows are rows: more of them than rows means that the two were counted on different tables.",
            column="filled_count",
        ),
        condition(
            "filled_share is null exactly when there are no rows",
            breaks="(filled_share is null) <> (row_count = 0)",
            **asked,
            reason="A source that was never delivered is absent, not empty: 0 would read as badly filled.",
            column="filled_share",
        ),
        rows(
            "row_count is the number of staged rows",
            broken=(
                f"select column_name from {BATCH} where (stream, object, row_count) not in ({STAGED})"
                f" and (stream, object) in (select stream, object from ({STAGED}))"
            ),
            severity=Severity.WARNING,
            owner=Owner.DATA_ENGINEERING,
            reason="The shares are read as shares of what was staged; on another base they cannot be compared.",
            column="row_count",
        ),
    ]
