"""Changes of accounts and contacts as they leave: what a reader follows an old id by."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Every change has its sides, and every merged id leads to somebody."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    return [
        *no_personal_data(given),
        condition(
            "a change has another id after than before",
            where="change in ('merge', 'split', 'moved', 'undo')",
            breaks="id_before is null or id_before = id_after",
            **asked,
            reason="Who follows an old id reads both sides; one that is missing or the same leads nowhere.",
            column="id_before",
        ),
        condition(
            "an id before is there where something was before",
            where="change = 'new'",
            breaks="id_before is not null",
            **asked,
            reason="What is new was nobody; an id before it would join two histories.",
            column="id_before",
        ),
        condition(
            "a change is about records",
            where="record_count is not null",
            breaks="record_count < 1",
            **asked,
            reason="A change without records is a fault of the ledger, and undoing it would change nothing.",
            column="record_count",
        ),
        rows(
            "what merged is no account or contact of its own",
            broken=(
                f"select change_id from {BATCH} where change = 'merge' and changed_on = date '{given.as_of}'"
                " and id_before in (select account_id from marts.accounts union all"
                " select contact_id from marts.contacts)"
                f" and change_id not in (select right(reason, 16) from {BATCH} where change = 'undo')"
            ),
            of=f"select change_id from {BATCH} where change = 'merge'",
            **asked,
            reason="An id that merged tonight and is published all the same counts its records twice.",
            column="id_before",
        ),
    ]
