"""Files are whole: the old or the new, never half."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

import pytest

from persona_warehouse import files


def test_a_file_is_written_with_its_mode_and_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "key"
    files.write_atomically(path, "密钥", mode=0o600)
    assert path.read_bytes() == "密钥".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    files.write_atomically(path, b"\x00\xff", mode=0o644)
    assert path.read_bytes() == b"\x00\xff"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    files.write_json(path, {"night": 1})

    def refuse(_: int) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no room"):
        files.write_json(path, {"night": 2})
    assert files.read_json(path) == {"night": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_what_a_killed_writer_left_does_not_lend_its_mode(tmp_path: Path) -> None:
    left = tmp_path / f".key.{os.getpid()}.tmp"
    left.write_text("old")
    left.chmod(0o644)
    files.write_atomically(tmp_path / "key", "new", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_threads_write_the_same_file_without_mixing(tmp_path: Path) -> None:
    path = tmp_path / "state"
    texts = [str(number) * 20000 for number in range(8)]
    errors: list[BaseException] = []

    def write(text: str) -> None:
        try:
            for _ in range(10):
                files.write_atomically(path, text)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert path.read_text() in texts
    assert [one.name for one in tmp_path.iterdir()] == ["state"]


def test_without_replacing_the_first_writer_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"
    files.write_atomically(path, "first", replace=False)
    files.write_atomically(path, "second", replace=False)
    assert path.read_text() == "first"
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_json_keeps_order_and_chinese(tmp_path: Path) -> None:
    value = {"z": "上海", "a": [1, None, True]}
    files.write_json(tmp_path / "v.json", value)
    text = (tmp_path / "v.json").read_text(encoding="utf-8")
    assert "上海" in text
    assert text.endswith("}\n")
    assert list(files.read_json(tmp_path / "v.json")) == ["z", "a"] == list(json.loads(text))


def test_sha256_of_a_file(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "f").write_bytes(data)
    assert files.sha256_of(tmp_path / "f") == hashlib.sha256(data).hexdigest()


def test_files_and_folders_are_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    forced = os.fsync

    def sync(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115 - a number, not a path
        forced(handle)

    monkeypatch.setattr(os, "fsync", sync)
    files.write_atomically(tmp_path / "f", "x")
    assert Path(synced[0]).name.startswith(".f.")  # the content before the rename, the name after it
    assert synced[1:] == [str(tmp_path)]


def test_whoever_locks_the_same_path_waits(tmp_path: Path) -> None:
    path, order = tmp_path / "sub" / "count.json", []
    inside = threading.Event()

    def second() -> None:
        inside.wait(5)
        with files.locked(path):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with files.locked(path):
        inside.set()
        thread.join(0.2)
        assert thread.is_alive()
        # replacing the file does not open the lock
        files.write_json(path, {})
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    with pytest.raises(RuntimeError), files.locked(path):
        raise RuntimeError
    with files.locked(path):
        assert sorted(one.name for one in path.parent.iterdir()) == [".count.json.lock", "count.json"]
