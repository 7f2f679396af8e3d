"""What a release changes against the one that readers had: rows, accounts that moved, shares of personas.

Written into the schema `quality` of the release. On a first night the tables are empty.
"""

from __future__ import annotations

import duckdb

from persona_warehouse.publish import Release
from persona_warehouse.versions.comparison import MARTS, compare_views
from persona_warehouse.warehouse import identifier, insert, literal

# of an account, what people act on when it changes
WATCHED = ("journey_stage", "tier", "icp_fit_segment", "sales_motion", "customer_since")
TABLES = {
    "table_changes": "table_name varchar, row_count_before bigint, row_count bigint",
    "account_changes": "account_id varchar, account_name varchar, what varchar, value_before varchar, value varchar",
    "persona_changes": """persona_id varchar, what varchar, k_before bigint, n_before bigint, k bigint, n bigint,
        difference double, p double, p_adjusted double, is_more_than_noise boolean""",
    "persona_matches": """persona_id_before varchar, persona_id varchar, account_count_before bigint,
        account_count bigint, overlap double""",
}


def write_changes(connection: duckdb.DuckDBPyConnection, former: Release | None) -> None:
    """Writes quality.table_changes, account_changes, persona_changes and persona_matches anew.

    Args:
        connection: to a release in the making, its marts in the schema `marts`.
        former: the release that readers have; None on a first night.
    """
    for name, columns in TABLES.items():
        connection.execute(f"create or replace table quality.{name} ({columns})")
    if former is None:
        return
    marts = _tables(connection)
    connection.execute(
        "insert into quality.table_changes select * from (values "
        + ", ".join(
            f"({literal(mart)}, {_rows_before(former, mart)}, (select count(*) from marts.{identifier(mart)}))"
            for mart in marts
        )
        + ") order by all"
    )
    before = {mart: former.path / "marts" / f"{mart}.parquet" for mart in marts}
    if before["accounts"].exists():
        connection.execute(f"create temp view accounts_before as from read_parquet({literal(before['accounts'])})")
        _accounts(connection)
        connection.execute("drop view accounts_before")
    if all(mart in before and before[mart].exists() for mart in MARTS):
        _personas(connection, former)


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'marts'"
        " order by table_name"
    )
    return [name for (name,) in found.fetchall()]


def _rows_before(former: Release, mart: str) -> str:
    told = former.manifest["tables"].get(f"marts.{mart}")
    return str(int(told["rows"])) if told else "null"


def _accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Accounts that are new or gone, and those of which something changed that people act on."""
    known = {row[0] for row in connection.execute("select column_name from (describe accounts_before)").fetchall()}
    parts = [
        """select a.account_id, a.account_name, 'new', null, null
           from marts.accounts as a anti join accounts_before as b using (account_id)""",
        """select b.account_id, b.account_name, 'gone', null, null
           from accounts_before as b anti join marts.accounts as a using (account_id)""",
        # a former release may be from before a column was
        *(
            f"""select a.account_id, a.account_name, '{column}', cast(b.{column} as varchar),
                       cast(a.{column} as varchar)
                from marts.accounts as a join accounts_before as b using (account_id)
                where a.{column} is distinct from b.{column}"""
            for column in WATCHED
            if column in known
        ),
    ]
    connection.execute(f"insert into quality.account_changes from ({' union all '.join(parts)}) order by 3, 2, 1")


def _personas(connection: duckdb.DuckDBPyConnection, former: Release) -> None:
    views = []
    for mart in MARTS:
        file = former.path / "marts" / f"{mart}.parquet"
        views += [f"before_{mart}", f"after_{mart}"]
        connection.execute(f"create temp view before_{mart} as from read_parquet({literal(file)})")
        connection.execute(f"create temp view after_{mart} as from marts.{mart}")
    try:
        found = compare_views(connection)
    finally:
        for view in views:
            connection.execute(f"drop view {view}")
    insert(
        connection,
        "quality.persona_matches",
        [(one.before, one.after, one.accounts_before, one.accounts_after, one.overlap) for one in found.matches],
    )
    insert(
        connection,
        "quality.persona_changes",
        [
            (
                one.about, one.what, one.k_before, one.n_before, one.k_after, one.n_after, one.difference, one.p,
                one.p_adjusted, one.is_more_than_noise,
            )
            for one in found.changes
        ],
    )  # fmt: skip
