"""Contacts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import Given, Severity, condition

CLEAR_NAMES = " union all ".join(
    f"select full_name from staging.{table} where length(full_name) > 1 and full_name not like '%*%'"
    for table in ("stg_crm__contacts", "stg_crm__leads")
)


def suite(given: Given) -> list[Expectation]:
    """People without their names, each of them backed by a source."""
    return [
        *no_personal_data(given),
        condition(
            "masked_name is no name of the CRM",
            where="masked_name is not null",
            breaks=f"masked_name in ({CLEAR_NAMES})",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason=(
                "A name that equals a clear one was not masked. Names of one character are left out: their mask may"
                " be the same character."
            ),
            column="masked_name",
        ),
        ordered("first_touch_at", "last_touch_at"),
        over_by_day_end(given, "last_touch_at", Severity.WARNING),
        condition(
            "every contact comes from a source record",
            breaks="contact_id not in (select contact_id from marts.contact_identities where contact_id is not null)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A person without a source identity cannot be explained, corrected or erased on request.",
            column="contact_id",
        ),
    ]
