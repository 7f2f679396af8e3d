"""Uses of personas as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Shares that are shares, and coverage that follows from the assets."""
    return [
        *no_personal_data(given),
        condition(
            "a share lies within its interval and k is among n",
            breaks="k > n or share not between share_low - 1e-9 and share_high + 1e-9",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="More readers than there are means that a join fanned out.",
            column="share",
        ),
        condition(
            "what is covered has an asset",
            breaks="is_covered <> (asset_count > 0)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Somebody would look for a case that does not exist, or write one that does.",
            column="is_covered",
        ),
    ]
