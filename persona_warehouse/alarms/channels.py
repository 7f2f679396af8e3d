"""Sending one message to one secret address. The address is in no log, no error and no answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from persona_warehouse.connections import NAME, get_connection
from persona_warehouse.errors import ConfigError

# they log addresses: apprise when it fails, the HTTP client below it when it speaks
TALKATIVE = ("apprise", "urllib3", "requests")


def send(connection: str, title: str, body: str, *, is_bad: bool) -> str:
    """Sends a message.

    Returns:
        sent; unset where the connection is not there or cannot be read; failed where nobody took it.
    """
    address = _address(connection)
    if address is None:
        return "unset"
    # half a second to import: only who has something to say pays for it
    with _silent():
        import apprise

        channel = apprise.Apprise()
        try:
            if not channel.add(address):
                return "failed"
            kind = apprise.NotifyType.FAILURE if is_bad else apprise.NotifyType.INFO
            return "sent" if channel.notify(title=title, body=body, notify_type=kind) else "failed"
        except Exception:
            # whatever it says may hold the address
            return "failed"


def is_set(connection: str) -> bool:
    """Whether a connection is there and holds an address."""
    return _address(connection) is not None


def is_name(text: str) -> bool:
    """Whether a text can be a connection's name; what cannot may well be a secret."""
    return NAME.fullmatch(text) is not None


def _address(connection: str) -> str | None:
    try:
        return get_connection(connection).password or None
    except ConfigError:
        return None


@contextmanager
def _silent() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
