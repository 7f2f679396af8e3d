"""The landing zone and the releases in an object store, so that no task needs the disk of another's machine.

    <url>/landing/…            as in the home; a load counts when its manifest is there, which goes up last
    <url>/releases/<id>/…      as in the home; never written again
    <url>/current.json         which release is the current one: {"release_id": …, "manifest_sha256": …}

The home's folders are a copy of it: a task brings its own up to date, works, and sends what is new. Landed files and
releases never change under their names, so a file is sent or fetched once. The pointer is put on the condition that
nobody has put it since it was read (RFC 9110, If-Match and If-None-Match): readers see one release or the other.
Credentials are the environment's (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on) or the machine's role.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from persona_warehouse import publish
from persona_warehouse.errors import ConfigError, PersonaError
from persona_warehouse.files import read_json, sha256_of, write_atomically, write_json
from persona_warehouse.landing.contract import STREAMS
from persona_warehouse.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

POINTER = "current.json"
MANIFESTS = "landing/_manifests"


def fetch_landing(settings: Settings, streams: Iterable[str] = STREAMS) -> int:
    """Brings the home's landing zone up to date; returns how many files came.

    What was sent or fetched before and is no longer there, such as after an erasure, goes here too; what was never sent
    stays.

    Raises:
        PersonaError: the store does not answer.
    """
    with _store(settings) as store:
        return sum(_fetch(settings, store, folder) for stream in streams for folder in _folders(stream))


def send_landing(settings: Settings, streams: Iterable[str] = STREAMS) -> int:
    """Sends what the home has and the store has not, manifests last; takes away what the home no longer has.

    Raises:
        PersonaError: the store does not answer.
    """
    with _store(settings) as store:
        return sum(_send(settings, store, folder) for stream in streams for folder in _folders(stream))


def send_releases(settings: Settings) -> int:
    """Sends the releases that the store has not, points its `current.json` where `current` points, and takes away the
    releases that the home no longer has; returns how many files went.

    Raises:
        PersonaError: the store does not answer, or somebody else has published meanwhile.
    """
    with _store(settings) as store:
        before = _pointer(store)
        local = {folder.name for folder in publish.folders(settings)}
        sent = sum(_send(settings, store, f"releases/{name}") for name in sorted(local))
        current = publish.current_release(settings)
        if current is not None:
            _point(store, before, current)
        there = {one["path"].split("/")[1] for one in _listed(store, "releases")}
        for name in sorted(there - local):
            _remove(store, [one["path"] for one in _listed(store, f"releases/{name}")])
        return sent


def current_id(settings: Settings) -> str | None:
    """The id of the release that readers of the store see.

    Raises:
        PersonaError: the store does not answer.
    """
    with _store(settings) as store:
        found = _pointer(store)
        return str(json.loads(found[1])["release_id"]) if found else None


@contextmanager
def _store(settings: Settings) -> Iterator[ObjectStore]:
    """The store of PERSONA_OBJECTS, with its faults as ours."""
    from obstore.exceptions import BaseError, PreconditionError
    from obstore.store import from_url

    given = urlsplit(settings.objects)
    if not given.scheme or not given.netloc or "@" in given.netloc:
        raise ConfigError(
            "PERSONA_OBJECTS is no address of an object store",
            expected="s3://bucket/prefix, gs:// or az://; credentials stand in the environment",
            found=f"{given.scheme or 'no scheme'}://…",
            remedy="correct it, or unset it",
        )
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    # in the clear to this machine alone
    is_here = urlsplit(endpoint).hostname in ("127.0.0.1", "localhost", "::1")
    options: dict[str, Any] = {"client_options": {"allow_http": True}} if is_here else {}
    if endpoint and given.scheme == "s3":
        options["endpoint"] = endpoint
    try:
        yield from_url(settings.objects, **options)
    except PreconditionError as error:
        raise PersonaError(
            "somebody else has published meanwhile",
            object=POINTER,
            expected="the pointer as it was when this publication began",
            found="another one",
            remedy="let one machine alone publish, then run the night again",
        ) from error
    except BaseError as error:
        raise PersonaError(
            "the object store did not do what it was asked",
            object=f"{given.scheme}://{given.netloc}",
            found=type(error).__name__,
            remedy="are the bucket, its endpoint (AWS_ENDPOINT_URL) and the credentials right, and is it up?",
        ) from error


def _folders(stream: str) -> tuple[str, str]:
    """Of a stream; its manifests second, so that a load is there before it counts."""
    return f"landing/{stream}", f"{MANIFESTS}/{stream}"


def _listed(store: ObjectStore, folder: str) -> list[Any]:
    import obstore

    return list(obstore.list(store, prefix=f"{folder}/").collect())


def _send(settings: Settings, store: ObjectStore, folder: str) -> int:
    import obstore

    there = {one["path"]: one for one in _listed(store, folder)}
    here = {path.relative_to(settings.home).as_posix(): path for path in _files(settings.home / folder)}
    missing = [name for name, path in here.items() if not _is_same(path, there.get(name))]
    # what lists the others goes last
    for name in sorted(missing, key=lambda one: (one.endswith(f"/{publish.MANIFEST}"), one)):
        obstore.put(store, name, here[name])
    now = {one["path"]: one for one in _listed(store, folder)} if missing else there
    for name in missing:
        _stamp(here[name], now[name])
    _remove(store, sorted(set(there) - set(here)))
    _remember(settings, folder, here)
    return len(missing)


def _fetch(settings: Settings, store: ObjectStore, folder: str) -> int:
    import obstore

    there = {one["path"]: one for one in _listed(store, folder)}
    wanted = [name for name, one in there.items() if not _is_same(settings.home / name, one)]
    for name in sorted(wanted):
        path = settings.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, bytes(obstore.get(store, name).bytes()))
        _stamp(path, there[name])
    for name in _remembered(settings, folder) - set(there):
        (settings.home / name).unlink(missing_ok=True)
    _remember(settings, folder, there)
    return len(wanted)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _is_same(path: Path, one: Any) -> bool:
    """As sent or fetched: the size, and the store's own time, which `_stamp` gave the file."""
    if one is None or not path.is_file():
        return False
    found = path.stat()
    return found.st_size == one["size"] and int(found.st_mtime) == int(one["last_modified"].timestamp())


def _stamp(path: Path, one: Any) -> None:
    moment = one["last_modified"].timestamp()
    os.utime(path, (moment, moment))


def _remove(store: ObjectStore, names: list[str]) -> None:
    import obstore

    if names:
        obstore.delete(store, names)


def _record(settings: Settings, folder: str) -> Path:
    return settings.home / "objects" / f"{folder.replace('/', '-')}.json"


def _remember(settings: Settings, folder: str, names: Iterable[str]) -> None:
    if folder.startswith("landing/"):
        write_json(_record(settings, folder), sorted(names))


def _remembered(settings: Settings, folder: str) -> set[str]:
    """The files that are known to have been in the store: only of these it means something that they are not."""
    record = _record(settings, folder)
    return set(read_json(record)) if record.is_file() else set()


def _pointer(store: ObjectStore) -> tuple[str, bytes] | None:
    """The pointer's version and content."""
    import obstore

    try:
        found = obstore.get(store, POINTER)
    except FileNotFoundError:
        return None
    return str(found.meta["e_tag"]), bytes(found.bytes())


def _point(store: ObjectStore, before: tuple[str, bytes] | None, release: publish.Release) -> None:
    import obstore
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    told = {
        "release_id": release.release_id,
        "manifest_sha256": sha256_of(release.path / publish.MANIFEST),
        "path": f"releases/{release.release_id}/",
    }
    content = (json.dumps(told, indent=1) + "\n").encode()
    if before and before[1] == content:
        return
    try:
        obstore.put(store, POINTER, content, mode={"e_tag": before[0]} if before else "create")
    except AlreadyExistsError as error:
        raise PreconditionError(str(error)) from error
