"""What both formats of access logs share."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pyarrow as pa

# method, target
REQUEST = r"^([A-Z]+) (.*?)(?: HTTP/[0-9.]+)?$"
TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"


def count_repeats(connection: duckdb.DuckDBPyConnection, lines: Callable[[], pa.RecordBatchReader]) -> str:
    """FROM item: lines with `nth`, which is 1, or how many equal ones there are up to this one.

    Stamps are of one second: equal lines are different requests. Only a hash of each line is held while they are
    counted, so that a log of any size is read through.

    Args:
        lines: opens the lines, with `source_row` and `line`; called twice.
    """
    connection.register("records", lines())
    connection.execute("create temp table hashes as select source_row, md5_number(line) as hash from records")
    connection.execute("""
        create temp table repeats as
        select source_row, row_number() over (partition by hash order by source_row) as nth
        from hashes where hash in (select hash from hashes group by hash having count(*) > 1)""")
    connection.execute("drop table hashes")
    connection.register("records", lines())
    # the lines must flow past the repeats, whatever the engine makes of sizes that it does not know
    connection.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    return "(select records.*, coalesce(nth, 1) as nth from records left join repeats using (source_row))"
