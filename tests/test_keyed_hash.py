"""One keyed hash, in Python and in the engine, under one key."""

from __future__ import annotations

import hashlib
import hmac
import threading
from datetime import date
from pathlib import Path

import jinja2
import pytest

from persona_warehouse import keyed_hash
from persona_warehouse.errors import ConfigError
from persona_warehouse.identity.ledger import HASHED
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import scratch

KEYS = ["k" * 16, "an ordinary key, shorter than a block", "钥匙" * 40, "x" * 64, "y" * 65]
TEXTS = ["", "a@b.com", "+8613800000000", "website|users||张三@公司.中国||", "it's 100% \\ \n\t\0 ok", "长" * 5000]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("PERSONA_HASH_KEY", raising=False)
    return Settings(tmp_path / "home", tmp_path / "sources.yml", date(2026, 11, 20), "Asia/Shanghai", 7)


def macro(settings: Settings, text: str) -> str:
    """The SQL that dbt makes of keyed_hash(text)."""
    source = (settings.dbt_project / "macros" / "engine" / "keyed_hash.sql").read_text(encoding="utf-8")
    module = jinja2.Environment(autoescape=False).from_string(source).module  # noqa: S701 - SQL, not a page
    return str(module.default__keyed_hash(text)).strip()  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(len(key)))
def test_python_and_the_macro_agree(settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("PERSONA_HASH_KEY", key)
    with scratch() as connection:
        keyed_hash.give_key(connection, settings)
        connection.execute("create table texts (place int, text varchar)")
        connection.executemany("insert into texts values (?, ?)", list(enumerate(TEXTS)))
        found = connection.execute(f"select {macro(settings, 'text')} from texts order by place").fetchall()
        short = connection.execute(f"select {HASHED.format(text='text')} from texts order by place").fetchall()
        assert connection.execute(f"select {macro(settings, 'cast(null as varchar)')}").fetchone() == (None,)
    expected = [hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest() for text in TEXTS]
    assert [row[0] for row in found] == [one[:32] for one in expected]
    assert [keyed_hash.keyed_hash(settings, text) for text in TEXTS] == [one[:32] for one in expected]
    assert [row[0] for row in short] == [one[:16] for one in expected]  # the ids of new entities


def test_the_key_stands_neither_in_the_sql_nor_in_the_settings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONA_HASH_KEY", "a very secret key")
    assert "secret" not in macro(settings, "text")
    assert "secret" not in repr(settings)
    assert "PERSONA_HASH_KEY" not in settings.environment()


def test_a_key_is_made_once_and_for_its_owner_only(settings: Settings) -> None:
    key = keyed_hash.hash_key(settings)
    file = settings.secrets / "hash_key"
    assert len(key) == 64
    assert keyed_hash.hash_key(settings) == key == file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.secrets.stat().st_mode & 0o777 == 0o700
    assert keyed_hash.keyed_hash(settings, "x") != keyed_hash.keyed_hash(settings, "y")


def test_steps_that_meet_the_missing_key_at_once_share_one(settings: Settings) -> None:
    keys: list[bytes] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        keys.append(keyed_hash.hash_key(settings))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(keys) == {keyed_hash.hash_key(settings)}
    assert len(keys) == 8


def test_a_key_given_is_taken_and_none_is_made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONA_HASH_KEY", "0123456789abcdef")
    assert keyed_hash.hash_key(settings) == b"0123456789abcdef"
    assert not settings.secrets.exists()


@pytest.mark.parametrize("given", ["", "short"])
def test_a_short_key_is_refused_and_not_told(settings: Settings, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("PERSONA_HASH_KEY", given)
    with pytest.raises(ConfigError, match="too short") as caught:
        keyed_hash.hash_key(settings)
    assert caught.value.found == str(len(given))


@pytest.mark.parametrize("content", ["", " \n", "0123456789"])
def test_a_damaged_key_file_is_refused(settings: Settings, content: str) -> None:
    settings.secrets.mkdir(parents=True)
    (settings.secrets / "hash_key").write_text(content)
    with pytest.raises(ConfigError, match="damaged") as caught:
        keyed_hash.hash_key(settings)
    assert caught.value.file == str(settings.secrets / "hash_key")
