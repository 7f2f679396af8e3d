"""Ids that the CRM gave to somebody else: what was known under an id last night and what is known now share nothing.

An id that is used twice joins two histories, and nobody sees it afterwards. It is written down, not mended: only the
CRM knows which of its other records belong to whom.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.settings import Settings

# entity -> the records of this night, what the last night left, and what is compared
COMPARED = {
    "contact": ("person_records", "people", ("full_name", "email", "phone")),
    "account": ("company_records", "companies", ("company_name", "uscc", "domain")),
}


def note_reused_ids(connection: duckdb.DuckDBPyConnection, settings: Settings, entity: str) -> None:
    """Adds ids of the CRM that have passed to another person or company since the last night to identity.changes.

    At least two of what is compared must be known then and now, and none may be the same.

    Args:
        connection: with the records and ids of this night, and still with the identity table of the last one, if there
            was one.
        entity: contact or account.
    """
    now, before, columns = COMPARED[entity]
    former = "select 1 from information_schema.tables where table_schema = 'identity' and table_name = $1"
    if not connection.execute(former, [before]).fetchone():
        return
    # a name is the same in any case and spacing
    pairs = [[rf"lower(regexp_replace({side}.{one}, '\s', '', 'g'))" for side in "fn"] for one in columns]
    same = " or ".join(f"coalesce({old} = {new}, false)" for old, new in pairs)
    known = " + ".join(f"({old} is not null and {new} is not null)::int" for old, new in pairs)
    day = f"date '{settings.business_date}'"
    connection.execute(f"""
    insert or ignore into identity.changes
    select left(sha256(concat_ws('|', '{entity}', 'reused', n.node, cast({day} as varchar))), 16),
           '{entity}', 'reused', f.{entity}_id, a.entity_id, n.node || ' is somebody else than before', {day},
           [n.node], 1
    from {now} as n
    join identity.{before} as f on f.identity_key = n.node
    join identity.assigned as a on a.entity = '{entity}' and a.node = n.node
    where n.source_object in ('companies', 'contacts', 'leads') and {known} >= 2 and not ({same})""")
