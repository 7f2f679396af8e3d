"""A small service for the events that WeChat pushes: each is on the disk before it is answered `success`."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from persona_warehouse.connections import get_connection
from persona_warehouse.errors import ConfigError
from persona_warehouse.settings import Settings
from persona_warehouse.sources.receiver.segments import SegmentWriter, received_folder
from persona_warehouse.sources.receiver.signing import Secrets

WINDOW_SECONDS = 300
# an account of millions of followers pushes some hundred events a second
EVENTS_A_SECOND = 2_000.0
PATH = "/wechat"


def secrets_of(name: str) -> Secrets:
    """What the service checks with, from a connection: `extra` {token, encoding_aes_key}, the appid as login.

    Raises:
        ConfigError: there is no such connection, or it lacks a part; no secret stands in the text.
    """
    connection = get_connection(name)
    token, key = connection.extra.get("token"), connection.extra.get("encoding_aes_key")
    if not isinstance(token, str) or not token:
        raise _lacks(name, "token", "the token of the account's server configuration", token)
    if not key:
        return Secrets(token, connection.login)
    if not connection.login:
        raise _lacks(name, "login", "the account's appid, which safe mode is checked against", connection.login)
    try:
        # WeChat's key is base64 without its last sign, whose unused bits need not be zero
        aes_key = base64.b64decode(f"{key}=", validate=True) if isinstance(key, str) else b""
    except (binascii.Error, ValueError):
        aes_key = b""
    if len(aes_key) != 32:
        raise _lacks(name, "encoding_aes_key", "the 43 letters and digits of the EncodingAESKey", key)
    return Secrets(token, connection.login, aes_key)


def _lacks(name: str, field: str, expected: str, value: object) -> ConfigError:
    return ConfigError(
        f"the connection {name} cannot be used by the receiver",
        source="wechat/receiver",
        field=field,
        expected=expected,
        found=f"a {type(value).__name__} that is none" if value else "nothing",
        remedy='set it, as in {"login": "<appid>", "extra": {"token": "…", "encoding_aes_key": "…"}}',
    )


def serve(
    settings: Settings,
    secrets: Secrets,
    host: str,
    port: int,
    window_seconds: int = WINDOW_SECONDS,
    events_a_second: float = EVENTS_A_SECOND,
) -> None:
    """Receives until it is stopped.

    Args:
        window_seconds: how old, or how far in the future, the time stamp of a request may be.
        events_a_second: more than that are left for WeChat to repeat; 0: no limit.

    Raises:
        ConfigError: nothing can listen there.
    """
    import uvicorn

    from persona_warehouse.sources.receiver.service import build_app

    writer = SegmentWriter(received_folder(settings))
    app: Any = build_app(secrets, writer, path=PATH, window_seconds=window_seconds, events_a_second=events_a_second)
    try:
        # no access log: the query holds the openid; one process: what came twice is remembered in memory
        uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", server_header=False, workers=1)
    except SystemExit as error:
        raise ConfigError(
            "the receiver could not start",
            source="wechat/receiver",
            expected="an address of this machine and a free port",
            found=f"{host}:{port}",
            remedy="stop what listens there, or give another --host or --port",
        ) from error
