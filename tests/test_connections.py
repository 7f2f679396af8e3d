"""Connections are read as Airflow defines them, and their secrets stay inside."""

from __future__ import annotations

import json
import sys
import traceback
import types

import pytest

from persona_warehouse.connections import Connection, get_connection, is_loopback, parse_connection
from persona_warehouse.errors import ConfigError

VARIABLE = "AIRFLOW_CONN_WECHAT_MAIN"


def read(value: str) -> Connection:
    return parse_connection(value, VARIABLE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            '{"conn_type": "http", "host": "api.example", "login": "wx1", "password": "p", "port": "8080"}',
            Connection("api.example", "wx1", "p", {}, "http", None, 8080),
        ),
        (
            '{"conn_type": "google-cloud-platform", "login": "wx1", "password": "p", "extra": {"a": {"b": 1}}}',
            Connection(None, "wx1", "p", {"a": {"b": 1}}, "google_cloud_platform", None, None),
        ),
        ('{"login": "wx1", "extra": "{\\"a\\": 1}"}', Connection(None, "wx1", None, {"a": 1})),
        ("http://wx1:p@api.example", Connection("api.example", "wx1", "p", {}, "http", None, None)),
        (
            "http://wx1:p%40%2F%3A@api.example:81/https",
            Connection("api.example", "wx1", "p@/:", {}, "http", "https", 81),
        ),
        (
            "postgresql://u:p@db:5432/crm?a=1&b=",
            Connection("db", "u", "p", {"a": "1", "b": ""}, "postgres", "crm", 5432),
        ),
        (
            "google-cloud-platform://wx1:p@h/?__extra__=%7B%22a%22%3A%20%7B%22b%22%3A%201%7D%7D",
            Connection("h", "wx1", "p", {"a": {"b": 1}}, "google_cloud_platform", None, None),
        ),
        ("http://https://wx1:p@api.example:443", Connection("https://api.example", "wx1", "p", {}, "http", None, 443)),
        ("http://wx1:p@", Connection(None, "wx1", "p", {}, "http", None, None)),
        ("postgres://u:p@%2Ftmp%2FPg/crm", Connection("/tmp/Pg", "u", "p", {}, "postgres", "crm", None)),  # noqa: S108
    ],
)
def test_both_forms_are_read(value: str, expected: Connection) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('{"login": "wx1", "password": "hidden"', "JSON that cannot be parsed"),
        ('{"login": "wx1", "passwort": "hidden"}', "unknown keys passwort"),
        ('{"login": 5, "password": "hidden"}', "`login` that is a int"),
        ('{"password": "hidden", "port": "http"}', "`port`"),
        ('{"password": "hidden", "extra": "hidden{"}', "`extra` that is not JSON"),
        ('{"password": "hidden", "extra": ["hidden"]}', "`extra` that is a list"),
        ("hidden", "neither JSON nor a URI"),
        ("http://wx1:hidden/x@api.example", "percent-encoded"),
        ("http://wx1:hidden@https://api.example", "percent-encoded"),
        ("http://a://b://hidden", "neither JSON nor a URI"),
        ("http://wx1:hidden@api.example:port", "percent-encoded"),
        ("http://wx1:hidden@[::1", "percent-encoded"),
    ],
)
def test_what_cannot_be_read_is_told_without_repeating_it(value: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(value)
    assert words in str(caught.value) and VARIABLE in str(caught.value)
    assert "hidden" not in "".join(traceback.format_exception(caught.value)).replace(value, "")
    assert "hidden" not in str(caught.value)


def test_the_password_and_the_extras_are_in_no_repr() -> None:
    connection = read('{"login": "wx1", "password": "hidden-password", "extra": {"key": "hidden-extra"}}')
    assert "hidden" not in repr(connection) and "hidden" not in str(connection)
    assert connection.password == "hidden-password"


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        (Connection(None, "a", "b"), "https://api.default"),
        (Connection("api.example", "a", "b"), "https://api.example"),
        (Connection("api.example", "a", "b", {}, "http"), "https://api.example"),
        (Connection("api.example", "a", "b", {}, "http", "http"), "http://api.example"),
        (Connection("api.example", "a", "b", {}, "http", "https", 8443), "https://api.example:8443"),
        (Connection("127.0.0.1", "a", "b", {}, "http", None, 8080), "http://127.0.0.1:8080"),
        (Connection("localhost", "a", "b", {}, "https"), "https://localhost"),
        (Connection("http://relay.example/", "a", "b", {}, "http", None, 81), "http://relay.example:81"),
    ],
)
def test_a_secret_travels_in_the_clear_only_when_asked_for(connection: Connection, url: str) -> None:
    assert connection.url("https://api.default/") == url


@pytest.mark.parametrize(("host", "here"), [("127.0.0.1", True), ("[::1]", True), ("10.0.0.1", False), ("a.b", False)])
def test_this_machine_is_known(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_the_variable_is_the_upper_case_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, ' {"login": "wx1", "password": "p"} ')
    assert get_connection("wechat_main").login == "wx1"


@pytest.mark.parametrize(("value", "found"), [(None, "it is not set"), (" ", "it is empty")])
def test_a_missing_variable_says_how_to_set_it(monkeypatch: pytest.MonkeyPatch, value: str | None, found: str) -> None:
    monkeypatch.delitem(sys.modules, "airflow.sdk.execution_time.task_runner", raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigError) as caught:
        get_connection("wechat_main")
    assert found in str(caught.value) and f"export {VARIABLE}=" in str(caught.value)


class Supervised:
    """Airflow's own modules, as they stand inside a task: `answer` is what its Connection.get does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
        def get(name: str) -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer

        runner = types.ModuleType("airflow.sdk.execution_time.task_runner")
        runner.__dict__["SUPERVISOR_COMMS"] = object()
        sdk = types.ModuleType("airflow.sdk")
        sdk.__dict__["Connection"] = types.SimpleNamespace(get=get)
        monkeypatch.setitem(sys.modules, "airflow.sdk.execution_time.task_runner", runner)
        monkeypatch.setitem(sys.modules, "airflow.sdk", sdk)
        monkeypatch.delenv(VARIABLE, raising=False)


def test_inside_a_task_airflow_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    found = types.SimpleNamespace(
        conn_type="http",
        host="api.example",
        login="wx1",
        password="p",
        schema=None,
        port=81,
        extra=json.dumps({"a": 1}),
    )
    Supervised(monkeypatch, found)
    assert get_connection("wechat_main") == Connection("api.example", "wx1", "p", {"a": 1}, "http", None, 81)


def test_the_variable_comes_before_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    Supervised(monkeypatch, RuntimeError("not asked"))
    monkeypatch.setenv(VARIABLE, '{"login": "wx1"}')
    assert get_connection("wechat_main").login == "wx1"


def test_a_failure_of_airflow_names_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    Supervised(monkeypatch, RuntimeError("vault says: hidden"))
    with pytest.raises(ConfigError) as caught:
        get_connection("wechat_main")
    text = "".join(traceback.format_exception(caught.value))
    assert "airflow connections add wechat_main" in text and f"export {VARIABLE}=" in text
    assert "RuntimeError" in text and "vault says" not in text
