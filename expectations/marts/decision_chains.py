"""Decision chains as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows


def suite(given: Given) -> list[Expectation]:
    """Decision chains as they leave."""
    return [
        *no_personal_data(given, crm_ids=("deal_id",)),
        rows(
            "every open deal has every slot",
            broken=f"select deal_id from {BATCH} group by deal_id having count(*) <>"
            f" (select count(distinct role_slot) from {BATCH})",
            of=f"select distinct deal_id from {BATCH}",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A slot that is missing as a row cannot be seen to be uncovered.",
        ),
        condition(
            "confidence is within 0 to 1",
            where="confidence is not null",
            breaks="confidence < 0 or confidence > 1 or isnan(confidence)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Readers filter on this share: a weight or a percentage in its place would pass any filter.",
            column="confidence",
        ),
    ]
