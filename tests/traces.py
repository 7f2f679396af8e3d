"""Whether something stands anywhere in a folder: every byte, and what is inside of Parquet, DuckDB and gzip files."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb

from persona_warehouse.warehouse import identifier, literal, scratch


def traces(folder: Path, words: Collection[str]) -> list[str]:
    """`place: word` of all words that are found.

    Args:
        words: each is looked for as it is and, where it is a mobile number, with the signs that people put into it.
    """
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        for word in words:
            if any(form in data for form in forms(word)):
                found.append(f"{path.relative_to(folder)}: {word}")
        if data.startswith(b"\x1f\x8b"):
            found += [f"{path.relative_to(folder)} (gz): {w}" for w in words if w.encode() in gzip.decompress(data)]
        for table, text in tables(path, data):
            found += [f"{path.relative_to(folder)} {table}: {word}" for word in words if word in text]
    return found


def forms(word: str) -> list[bytes]:
    """A word in the bytes of texts: UTF-8, UTF-16 and escaped as in JSON and HTML."""
    escaped = word.encode("ascii", "backslashreplace")
    return list({word.encode(), word.encode("utf-16-le"), escaped, word.replace("@", "%40").encode()})


def tables(path: Path, data: bytes) -> Iterator[tuple[str, str]]:
    """Each table of a file that is one or holds some, as text; numbers also without what stands between digits."""
    if data[:4] != b"PAR1" and data[8:12] != b"DUCK":
        return
    with scratch() as connection:
        if data[:4] == b"PAR1":
            yield "rows", text_of(connection, f"read_parquet({literal(path)}, hive_partitioning = false)")
        else:
            try:
                connection.execute(f"attach {literal(path)} as kept (read_only)")
            except duckdb.Error:
                return  # a damaged one; its bytes were looked at
            named = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'kept'"
            ).fetchall()
            for schema, table in named:
                yield f"{schema}.{table}", text_of(connection, f"kept.{identifier(schema)}.{identifier(table)}")


def text_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """All values of a relation."""
    rows = connection.execute(f"select cast(to_json(t) as varchar) from {relation} as t").fetchall()
    text = "\n".join(row[0] for row in rows)
    plain = text
    for sign in " -()":
        plain = plain.replace(sign, "")
    return f"{text}\n{plain}"
