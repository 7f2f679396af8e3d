"""How much is known of accounts, as it leaves."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import Asked, Given, Severity, condition


def suite(given: Given) -> list[Expectation]:
    """Counts that are parts of all accounts."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "selected accounts are part of known ones and these of all",
            breaks="selected_count < 0 or selected_count > known_count or known_count > account_count",
            **asked,
            reason="An account that is counted twice makes a source look better than it is.",
            column="known_count",
        ),
        condition(
            "account_count is the number of accounts",
            breaks="account_count <> (select count(*) from marts.accounts)",
            **asked,
            reason="The shares are read as shares of all accounts; on another base they cannot be compared.",
            column="account_count",
        ),
    ]
