"""Source identities as they leave: where every account and every person comes from."""

from __future__ import annotations

from great_expectations.expectations.expectation import Expectation

from expectations.outgoing import no_personal_data, ordered
from expectations.owners import Owner
from expectations.rules import BATCH, Asked, Given, Severity, condition, rows

# the objects whose ids are the CRM's own and stand here in clear; all other ids are keyed hashes
CRM_OBJECTS = "source_object in ('companies', 'contacts', 'leads', 'deals')"


def suite(given: Given) -> list[Expectation]:
    """Every live record of the CRM resolved, nothing resolved that does not exist."""
    return [
        *no_personal_data(given, crm_ids=("identity_key", "source_id"), crm_rows=CRM_OBJECTS),
        *_reconciled("companies", "stg_crm__companies", "company_id", "account_id"),
        *_reconciled("contacts", "stg_crm__contacts", "contact_id", "contact_id"),
        ordered("valid_from", "valid_to"),
        rows(
            "no id of the CRM has passed to somebody else",
            broken=(
                "select change_id from identity.changes"
                f" where change = 'reused' and changed_on = date '{given.as_of}' /* beside {BATCH} */"
            ),
            of=f"select source_id from {BATCH} where source_system = 'crm' and valid_to is null",
            severity=Severity.WARNING,
            owner=Owner.SALES_OPERATIONS,
            reason=(
                "Name, address and number (of a company its codes and domain) all differ from last night's: two"
                " histories are one now. None is tolerated; identity.changes names the ids, the CRM gives new ones."
            ),
            column="source_id",
        ),
        condition(
            "match_probability is within 0 to 1",
            where="match_probability is not null",
            breaks="match_probability < 0 or match_probability > 1 or isnan(match_probability)",
            severity=Severity.CRITICAL,
            owner=Owner.DATA_ENGINEERING,
            reason="Readers filter on this share: a weight or a percentage in its place would pass any filter.",
            column="match_probability",
        ),
    ]


def _reconciled(name: str, staged: str, key: str, resolved: str) -> list[Expectation]:
    """Both directions between the live staged records of an object and its identities."""
    asked = Asked(severity=Severity.CRITICAL, owner=Owner.DATA_ENGINEERING)
    live = f"select {key} from staging.{staged} where not coalesce(is_deleted, false) and merged_into_id is null"
    identities = f"select source_id from {BATCH} where source_object = '{name}'"
    return [
        rows(
            f"every live record of {name} has an identity",
            broken=f"{live} and {key} not in ({identities} and {resolved} is not null and source_id is not null)",
            of=f"{live} /* beside {BATCH} */",
            **asked,
            reason=(
                f"A live record of {name} that resolves to no {resolved} is missing from every number of the release,"
                " and nobody would notice."
            ),
            column="source_id",
        ),
        rows(
            f"every identity of {name} is a staged record",
            broken=f"{identities} and source_id not in (select {key} from staging.{staged})",
            of=identities,
            **asked,
            reason="An identity without its record points at data that was erased or never came.",
            column="source_id",
        ),
    ]
