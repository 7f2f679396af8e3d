"""Source records to accounts and contacts: the order of the steps."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from persona_warehouse import warehouse
from persona_warehouse.identity.accounts import resolve_accounts
from persona_warehouse.identity.facts import DICTIONARIES as FACTS
from persona_warehouse.identity.normalise import update_dictionaries
from persona_warehouse.identity.overrides import report_unknown_ids, take_overrides
from persona_warehouse.identity.people import collect_person_records, find_visitors, resolve_people
from persona_warehouse.settings import Settings


@dataclass(frozen=True)
class IdentityCounts:
    """How many records became how many entities."""

    company_records: int
    accounts: int
    person_records: int
    contacts: int

    def __str__(self) -> str:
        return (
            f"{self.company_records:,} company records → {self.accounts:,} accounts, "
            f"{self.person_records:,} person records → {self.contacts:,} contacts"
        )


def resolve(settings: Settings) -> IdentityCounts:
    """Rebuilds identity.companies, identity.people and identity.visitors from staging, in one transaction.

    Raises:
        PersonaError: another process holds the working database, or it is damaged.
    """
    with warehouse.connect(settings.warehouse_file) as connection:
        connection.execute("begin")
        counts = resolve_in(connection, settings)
        connection.execute("commit")
        return counts


def resolve_in(connection: duckdb.DuckDBPyConnection, settings: Settings) -> IdentityCounts:
    """The steps, in the transaction of the caller."""
    take_overrides(connection, settings)
    update_dictionaries(connection)
    collect_person_records(connection)
    resolve_accounts(connection, settings)
    resolve_people(connection, settings)
    find_visitors(connection)
    # after all names have been met, so that a first night reads no less than the second one
    update_dictionaries(connection, FACTS)
    report_unknown_ids(connection)
    counts = connection.execute(
        """select (select count(*) from identity.companies),
                  (select count(distinct account_id) from identity.companies),
                  (select count(*) from identity.people),
                  (select count(distinct contact_id) from identity.people)"""
    ).fetchone()
    return IdentityCounts(*counts) if counts else IdentityCounts(0, 0, 0, 0)
