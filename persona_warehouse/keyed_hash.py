"""The key under which personal identifiers are hashed, and how it reaches the engine.

HMAC-SHA256 (RFC 2104): sha256(outer pad + sha256(inner pad + text)). The two pads are given to every DuckDB session as
variables, so that neither key nor pads ever stand in a model, its compiled SQL or a log.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import Any

from persona_warehouse.errors import ConfigError
from persona_warehouse.files import write_atomically
from persona_warehouse.settings import Settings

BLOCK = 64
SHOWN = 32
SHORTEST = 16


def hash_key(settings: Settings) -> bytes:
    """The key: PERSONA_HASH_KEY, else the file secrets/hash_key in PERSONA_HOME, made at first use with mode 0600.

    Raises:
        ConfigError: the key is shorter than 16 characters.
    """
    given = os.environ.get("PERSONA_HASH_KEY")
    if given is not None:
        if len(given) < SHORTEST:
            raise ConfigError(
                "PERSONA_HASH_KEY is too short",
                expected=f"at least {SHORTEST} characters",
                found=f"{len(given)}",
                remedy="make one with `python -c 'import secrets; print(secrets.token_hex(32))'`",
            )
        return given.encode()
    return kept_key(settings, "hash_key")


def kept_key(settings: Settings, name: str) -> bytes:
    """The key of a file in secrets/, made at first use with mode 0600.

    Raises:
        ConfigError: the file's key is shorter than 16 characters.
    """
    path = settings.secrets / name
    if not path.exists():
        settings.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        # of two steps that meet the missing key at once, both must go on with the same one
        write_atomically(path, secrets.token_hex(32), mode=0o600, replace=False)
    key = path.read_bytes().strip()
    if len(key) < SHORTEST:
        raise ConfigError(
            f"the file of the key {name} is damaged",
            file=str(path),
            expected=f"at least {SHORTEST} characters",
            found=f"{len(key)}",
            remedy="restore it from a backup: with another key every hash changes that was published or kept",
        )
    return key


def keyed_hash(settings: Settings, text: str) -> str:
    """The same hash as the SQL macro `keyed_hash`: the first 32 hex digits of the HMAC."""
    return hmac.new(hash_key(settings), text.encode(), hashlib.sha256).hexdigest()[:SHOWN]


def give_key(connection: Any, settings: Settings) -> None:
    """Sets the session variables that the SQL macro reads."""
    give_pads(connection, hash_key(settings))


def give_pads(connection: Any, key: bytes) -> None:
    """The same for any key."""
    for name, pad in pads(key).items():
        # not as a parameter: the first one bound in a process makes the engine's client import pandas
        connection.execute(f"set variable {name} = unhex('{pad}')")


def pads(key: bytes) -> dict[str, str]:
    """The two pads of a key (RFC 2104), in hex, by the session variables that the SQL macro reads them from."""
    if len(key) > BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(BLOCK, b"\0")
    return {name: bytes(byte ^ pad for byte in key).hex() for name, pad in (("hmac_inner", 0x36), ("hmac_outer", 0x5C))}
