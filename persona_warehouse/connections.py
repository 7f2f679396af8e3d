"""Credentials by name: an environment variable in Airflow's own form, or Airflow itself inside a task.

`wechat_main` is read from AIRFLOW_CONN_WECHAT_MAIN, as JSON or as URI, without importing Airflow; when that variable is
absent and this process runs an Airflow task, Airflow is asked (its database, its secrets backends).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from persona_warehouse.errors import ConfigError

PREFIX = "AIRFLOW_CONN_"
JSON_KEYS = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")
EXTRA_KEY = "__extra__"
# a name that can be part of a variable's, and no longer than a name is
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")


@dataclass(frozen=True)
class Connection:
    """Where a source is and who we are there. The password and the extras never stand in its repr.

    Attributes:
        host: host name or address, possibly with a protocol (`https://api.example`).
        login: user name, or an API's application id.
        password: password, or an API's secret.
        extra: whatever else the connection holds.
        conn_type, schema, port: as Airflow defines them.
    """

    host: str | None
    login: str | None
    password: str | None = field(repr=False)
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    conn_type: str | None = None
    schema: str | None = None
    port: int | None = None

    def url(self, default: str) -> str:
        """The base URL of an HTTP API, without a slash at the end; `default` when the connection names no host.

        A host without protocol is spoken to over https, unless the connection says http or the host is this machine.
        """
        if not self.host:
            return default.rstrip("/")
        protocol, mark, host = self.host.rpartition("://")
        if not mark:
            named = next((name for name in (self.schema, self.conn_type) if name in ("http", "https")), None)
            # airflow's type `http` names the hook, also for https: it is no wish to send a secret in the clear
            protocol = "http" if self.schema == "http" or is_loopback(host) else "https"
            protocol = "https" if named == "https" else protocol
        port = f":{self.port}" if self.port else ""
        return f"{protocol}://{host.rstrip('/')}{port}"


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine."""
    bare = host.strip("[]")
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost"


def get_connection(name: str) -> Connection:
    """The connection of that name.

    Raises:
        ConfigError: it is no name, there is none of that name, or its variable cannot be read; the text names the
            variable, never its value.
    """
    if not NAME.fullmatch(name):
        # what stands there instead of a name may well be a secret: it is not told
        raise ConfigError(
            "what stands under `connection:` is no name of a connection",
            field="connection",
            expected="letters, digits and _, such as hubspot_main",
            found=f"a text of {len(name)} characters",
            remedy="write the connection's name there; address and secrets belong into AIRFLOW_CONN_<NAME>",
        )
    variable = PREFIX + name.upper()
    value = os.environ.get(variable, "").strip()
    if value:
        return parse_connection(value, variable)
    if _inside_airflow_task():
        return _from_airflow(name, variable)
    raise ConfigError(
        f"there is no connection {name}",
        expected=f"the environment variable {variable}",
        found="it is not set" if variable not in os.environ else "it is empty",
        remedy=_how_to_set(variable),
    )


def parse_connection(value: str, variable: str) -> Connection:
    """Reads Airflow's JSON form (the text begins with a brace) or its URI form.

    Args:
        value: the text.
        variable: where it stands, for messages.

    Raises:
        ConfigError: it is neither; the text is not repeated, because it holds the password.
    """
    return _from_json(value, variable) if value.startswith("{") else _from_uri(value, variable)


def _from_json(value: str, variable: str) -> Connection:
    try:
        spec = json.loads(value)
    except ValueError:
        # without its cause: a JSON error carries the whole text
        raise _unreadable(variable, "JSON that cannot be parsed") from None
    unknown = sorted(set(spec) - set(JSON_KEYS))
    if unknown:
        raise _unreadable(variable, f"the unknown keys {', '.join(unknown)}", f"keys of {', '.join(JSON_KEYS)}")
    return _build(spec, variable)


def _from_uri(value: str, variable: str) -> Connection:
    protocols = value.count("://")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value) or protocols > 2:
        raise _unreadable(variable, "neither JSON nor a URI with one type and at most one protocol")
    conn_type, rest = value.split("://", 1)
    nested = protocols == 2
    if nested and re.search(r"[@:]", rest.split("://", 1)[0]):
        raise _unreadable(variable, "a URI whose second :// is not a protocol (is the password percent-encoded?)")
    try:
        parts = urlsplit(rest if nested else "//" + rest)
        port, host = parts.port, _host(parts)
    except ValueError:
        raise _unreadable(
            variable, "a URI whose host or port cannot be read (is the password percent-encoded?)"
        ) from None
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return _build(
        {
            "conn_type": conn_type.lower(),
            "host": f"{parts.scheme}://{host}" if nested and host else host,
            "login": unquote(parts.username) if parts.username else parts.username,
            "password": unquote(parts.password) if parts.password else parts.password,
            "schema": unquote(parts.path[1:]),
            "port": port,
            "extra": query.get(EXTRA_KEY, query),
        },
        variable,
    )


def _host(parts: SplitResult) -> str:
    host = unquote(parts.hostname or "")
    if "/" in host:
        # a path as host: urlsplit lowers its letters, the netloc does not
        host = unquote(parts.netloc.rsplit("@", 1)[-1].split(":", 1)[0])
    return host


def _build(spec: Mapping[str, Any], variable: str) -> Connection:
    extra = spec.get("extra") or {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            raise _unreadable(variable, "an `extra` that is not JSON") from None
    if not isinstance(extra, dict):
        raise _unreadable(variable, f"an `extra` that is a {type(extra).__name__}", "an `extra` that is a JSON object")
    port = spec.get("port")
    try:
        port = int(port) if port else None
    except (TypeError, ValueError):
        raise _unreadable(variable, "a `port` that is no whole number") from None
    texts = {key: spec.get(key) for key in ("host", "login", "password", "conn_type", "schema")}
    for key, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise _unreadable(variable, f"a `{key}` that is a {type(text).__name__}", f"a `{key}` that is a text")
    conn_type = texts["conn_type"]
    normal = "postgres" if conn_type == "postgresql" else conn_type.replace("-", "_") if conn_type else None
    return Connection(
        texts["host"] or None, texts["login"], texts["password"], extra, normal, texts["schema"] or None, port
    )


def _inside_airflow_task() -> bool:
    # airflow asks its supervisor for connections; outside a task there is nobody to ask
    return hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS")


def _from_airflow(name: str, variable: str) -> Connection:
    try:
        from airflow.sdk import Connection as AirflowConnection

        found = AirflowConnection.get(name)
        # an `extra` that is no JSON is refused here as everywhere, not silently emptied
        return _build({key: getattr(found, key, None) for key in JSON_KEYS}, variable)
    except ConfigError:
        raise
    except Exception as error:
        # without its cause: what a secrets backend says may hold more than its kind of failure
        raise ConfigError(
            f"Airflow has no connection {name}",
            expected=f"an Airflow connection {name}, or the environment variable {variable}",
            found=f"the variable is not set, and Airflow answered {type(error).__name__}",
            remedy=f"`airflow connections add {name} ...`, or {_how_to_set(variable)}",
        ) from None


def _how_to_set(variable: str) -> str:
    example = json.dumps({"conn_type": "http", "login": "<appid or user>", "password": "<secret>"})
    return f"set it before the night runs: export {variable}='{example}'"


def _unreadable(variable: str, found: str, expected: str = "a connection as JSON or URI") -> ConfigError:
    return ConfigError(
        f"the connection in {variable} cannot be read", expected=expected, found=found, remedy=_how_to_set(variable)
    )
