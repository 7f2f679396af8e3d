"""Accounts as they leave."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered, over_by_day_end
from expectations.owners import Owner
from expectations.rules import BATCH, Given, Severity, condition, rows

# every account once without a person, then once for each of its people
MEMBERS = (
    f"select account_id, null as person_id from {BATCH}"
    " union all select account_id, contact_id from marts.contacts where account_id is not null"
)


def suite(given: Given) -> list[Expectation]:
    """Accounts whose counts are those of the marts beside them."""
    return [
        *no_personal_data(given),
        ordered("first_touch_at", "last_touch_at"),
        over_by_day_end(given, "last_touch_at", Severity.WARNING),
        _every_account_is_backed(),
        condition(
            "open and won deals are part of all deals",
            breaks="open_deal_count < 0 or won_deal_count < 0 or open_deal_count + won_deal_count > deal_count",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A deal is open, won or lost, never two of them: more parts than the whole means a join fanned out.",
            column="deal_count",
        ),
        rows(
            "contact_count is the number of the account's contacts",
            broken=(
                f"select account_id from {BATCH} where (account_id, coalesce(contact_count, 0)) not in"
                f" (select account_id, count(person_id) from ({MEMBERS}) group by account_id)"
            ),
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Both numbers stand on one dashboard: if they differ, one of the two marts is of another build.",
            column="contact_count",
        ),
        rows(
            "the accounts' deals are not more than the staged deals",
            broken=(
                f"select unnest(range(greatest(0, (select coalesce(sum(deal_count), 0)::bigint from {BATCH})"
                " - (select count(*) from staging.stg_crm__deals))))"
            ),
            of="select deal_id from staging.stg_crm__deals /* beside {batch} */",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="A deal belongs to one account. The sum over accounts exceeds the deals only if one counts twice.",
            column="deal_count",
        ),
        condition(
            "codes of industry and place are of their standards and fit each other",
            breaks=(
                "not regexp_full_match(industry_code, '[A-T]([0-9]{2})?') or left(industry_code, 1) <> industry_section"
                " or not regexp_full_match(province_code, '[1-9][0-9]0000')"
                " or left(city_code, 2) <> left(province_code, 2) or left(district_code, 2) <> left(province_code, 2)"
            ),
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="GB/T 4754 and GB/T 2260: a map drawn by province must have the city in it.",
            column="industry_code",
        ),
        condition(
            "digital maturity is a grade from 0 to 4 and nobody loses more than everybody",
            breaks="digital_maturity not between 0 and 4 or employee_growth_2y < -1",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="The method has five grades; a growth below -1 is a percentage or a difference in its place.",
            column="digital_maturity",
        ),
    ]


def _every_account_is_backed() -> Expectation:
    return condition(
        "every account comes from a source record",
        breaks="account_id not in (select account_id from marts.contact_identities where account_id is not null)",
        severity=Severity.CRITICAL,
        owner=Owner.DATA_ENGINEERING,
        reason="An account without a source identity cannot be explained, corrected or erased.",
        column="account_id",
    )
