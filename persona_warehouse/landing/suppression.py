"""Who was erased does not come back: keyed hashes of their identifiers, applied to every load before it lands.

One file an erasure, secrets/suppressed/<id>.json, for the owner alone: kind -> HMAC-SHA256 of each normal value. The
key is one of its own (secrets/suppression_key): it must outlive changes of the key by which marts hash.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow as pa

from persona_warehouse.files import read_json, write_atomically
from persona_warehouse.keyed_hash import give_pads, kept_key
from persona_warehouse.landing.contract import ObjectContract
from persona_warehouse.landing.erasing import BY, FULL_WIDTH, HALF_WIDTH, IN_TEXT, Erasing, People, give, normal
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import identifier, literal, scratch

KEY = "suppression_key"
HMAC = "sha256(getvariable('hmac_outer') || unhex(sha256(getvariable('hmac_inner') || encode(kind || '|' || value))))"
# what in a text may be one of theirs
TOKENS = {
    "email": r"[\w.%+-]+(?:@|%40)[\w.-]+\w",
    "phone": r"(?:\+|00)?[0-9][0-9 ().-]{5,18}[0-9]",
    "openid": r"[\w-]{20,64}",
    "unionid": r"[\w-]{20,64}",
}


def suppress(settings: Settings, erasure_id: str, people: People) -> int:
    """Adds an entry for an erasure; returns the number of identifiers in it."""
    with scratch() as connection:
        give_pads(connection, kept_key(settings, KEY))
        give(connection, people)
        hashes = connection.execute(f"select kind, {HMAC} from erased_identifiers order by all").fetchall()
    entry: dict[str, list[str]] = {}
    for kind, hashed in hashes:
        entry.setdefault(kind, []).append(hashed)
    write_atomically(_folder(settings) / f"{erasure_id}.json", json.dumps(entry, indent=1) + "\n", mode=0o600)
    return len(hashes)


def _folder(settings: Settings) -> Path:
    folder = settings.secrets / "suppressed"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class Suppressor:
    """Takes out of what a load brings whatever is of people who were erased.

    Attributes:
        rows: how many rows it kept from landing so far.
        cut: how many landed without what named them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        entries = [read_json(path) for path in sorted(_folder(settings).glob("*.json"))]
        self._hashes = sorted({(kind, one) for entry in entries for kind, listed in entry.items() for one in listed})
        self.rows = 0
        self.cut = 0

    def clean(self, contract: ObjectContract, table: pa.Table) -> pa.Table:
        """A batch of landing rows without theirs; the same batch where nobody was erased, or none of them is in it."""
        if not self._hashes or not table.num_rows:
            return table
        with scratch() as connection:
            give_pads(connection, kept_key(self._settings, KEY))
            connection.register("batch", table)
            people = self._met(connection, contract, table.column_names)
            if not people:
                return table
            give(connection, people)
            erasing = Erasing(contract, people, tuple(table.column_names))
            ((gone, cut),) = connection.execute(
                f"select count(*) filter ({erasing.goes}), count(*) filter (not {erasing.goes} and {erasing.changes})"
                " from batch"
            ).fetchall()
            self.rows += gone
            self.cut += cut
            return connection.execute(erasing.select("batch")).to_arrow_table().cast(table.schema)

    def _met(self, connection: duckdb.DuckDBPyConnection, contract: ObjectContract, columns: list[str]) -> People:
        """Which of the erased are in a batch."""
        connection.execute("create temp table suppressed (kind varchar, hash varchar)")
        kinds, hashes = zip(*self._hashes, strict=True)
        connection.execute(
            "insert into suppressed select unnest($1::varchar[]), unnest($2::varchar[])", [list(kinds), list(hashes)]
        )
        found: dict[str, set[str]] = {}
        query = " union ".join(self._candidates(contract, columns))
        if query:
            met = connection.execute(
                f"""select c.kind, c.value
                         from (select kind, value, {HMAC} as hash from ({query}) where value <> '') as c
                         semi join suppressed as s on s.kind = c.kind and s.hash = c.hash"""
            ).fetchall()
            for kind, value in met:
                found.setdefault(kind, set()).add(value)
        return People({kind: frozenset(values) for kind, values in found.items()})

    def _candidates(self, contract: ObjectContract, columns: list[str]) -> list[str]:
        """Queries (kind, value) of all that may be an identifier: in columns that hold one, and in texts."""
        suppressed = {kind for kind, _ in self._hashes}
        told = {**contract.erased_rows, **contract.erased_values}
        found = []
        for name, kind in told.items():
            column = identifier(name)
            if name not in columns:
                continue
            if kind.startswith(BY):
                by = identifier(kind.removeprefix(BY))
                found.append(f"select distinct lower({by}) as kind, {normal('', column)} as value from batch")
            elif kind in suppressed:
                found.append(f"select distinct {literal(kind)} as kind, {normal(kind, column)} as value from batch")
        texts = [name for name in Erasing(contract, People({}), tuple(columns)).texts() if name not in told]
        for kind in IN_TEXT:
            if kind not in suppressed:
                continue
            for name in texts:
                text = f"translate({identifier(name)}, '{FULL_WIDTH}', '{HALF_WIDTH}')"
                tokens = (
                    f"select distinct unnest(regexp_extract_all({text}, {literal(TOKENS[kind])})) as token from batch"
                )
                value = normal(kind, "replace(token, '%40', '@')" if kind == "email" else "token")
                found.append(f"select {literal(kind)} as kind, {value} as value from ({tokens})")
        return found
