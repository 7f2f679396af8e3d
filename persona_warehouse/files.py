"""Writing and reading files so that a cut of power leaves either the old or the new."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona_warehouse.errors import PersonaError


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fsync_path(path: Path) -> None:
    """Forces a file's or a folder's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps other processes and threads that lock the same path waiting; it ends with the process, however that ends.

    The lock is a file beside it: the path itself may be replaced meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def alone(path: Path, problem: str, remedy: str) -> Iterator[None]:
    """Holds a lock that nobody else may hold meanwhile, and does not wait for it; it ends with the process.

    Args:
        path: the lock's file; it says who holds it, and stays.
        problem, remedy: of the error when somebody does.

    Raises:
        PersonaError: another process, or another part of this one, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise PersonaError(
                problem, file=str(path), found=lock.read().strip() or "a process that has just begun", remedy=remedy
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        lock.flush()
        yield


def is_held(path: Path) -> bool:
    """Whether anybody holds the lock `alone` of this file now."""
    if not path.exists():
        return False
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextlib.contextmanager
def private() -> Iterator[None]:
    """Files made within are their owner's alone, from their first byte on."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def replace_link(link: Path, target: Path) -> None:
    """Points a link at something in its neighbourhood, in one rename; `target` is relative to the link's folder."""
    temporary = link.with_name(f".{link.name}-{os.getpid()}")
    temporary.unlink(missing_ok=True)
    # relative, so that the home can be moved or mounted elsewhere
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)
    fsync_path(link.parent)


def write_atomically(path: Path, content: str | bytes, *, mode: int = 0o644, replace: bool = True) -> None:
    """Writes a file beside its place, forces it to disk and renames it there.

    Args:
        mode: the file's permissions, less the umask's.
        replace: false leaves a file that is there already as it is; of several writers the first wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name of its own for every call: threads share a process id, and a killed process leaves its file behind
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            # a link fails where a rename would overwrite
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    fsync_path(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file atomically, keys in the order given."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))
