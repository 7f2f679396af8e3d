"""A home of three nights through what can befall it: built anew, damaged, killed, and a person erased from it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from persona_warehouse.night.erasure import find
from persona_warehouse.settings import load_settings
from tests.conftest import Answer, content_hashes, manifest, persona
from tests.traces import traces

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]
NIGHTS = ("2026-10-10", "2026-10-20", "2026-10-31")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of a growing world; the sources are beside the home."""
    folder = tmp_path_factory.mktemp("trust")
    for day in NIGHTS:
        arguments = ("--out", folder / "world", "--companies", "40", "--seed", "23", "--until", day)
        assert persona("simulate", *arguments, home=folder / "home").code == 0
        answer = night(folder / "home", day)
        assert answer.code == 0, answer.out + answer.err
    return folder / "home"


def night(home: Path, day: str = NIGHTS[-1], *more: str) -> Answer:
    return persona("nightly", "--date", day, "--sources", home.parent / "world" / "sources.yml", *more, home=home)


def test_a_rebuild_has_the_content_of_three_nights(home: Path) -> None:
    before = content_hashes(home)
    answer = persona("rebuild", home=home)
    assert answer.code == 0, answer.out + answer.err
    assert content_hashes(home) == before
    assert f"{len(before)} of {len(before)} tables have the content of" in answer.out
    assert manifest(home)["business_date"] == NIGHTS[-1]


def test_without_its_memory_a_rebuild_forgets_ids_and_nothing_else(home: Path) -> None:
    """What is remembered is needed: ids are those of the first nights, not of the last."""
    with duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
        ((days,),) = connection.execute("select count(distinct changed_on) from identity.changes").fetchall()
    assert days == len(NIGHTS)


def test_a_warehouse_damaged_in_the_middle_heals_in_the_same_night(home: Path) -> None:
    before = content_hashes(home)
    file = home / "warehouse" / "persona.duckdb"
    size = file.stat().st_size
    with file.open("r+b") as stream:
        for offset in range(size // 8, size, 1 << 18):
            stream.seek(offset)
            stream.write(os.urandom(64))
    examined = persona("doctor", home=home)
    assert examined.code == 2
    assert "damaged: IO Error: Corrupt database file" in examined.out
    answer = night(home)
    assert answer.code == 0, answer.out + answer.err
    assert "the warehouse was damaged and is set aside as persona.duckdb.damaged-" in answer.out
    assert content_hashes(home) == before
    examined = persona("doctor", home=home)
    assert "was damaged and is built again; set aside: persona.duckdb.damaged-" in examined.out


def test_a_rebuild_that_is_killed_leaves_the_warehouse_before_it(home: Path) -> None:
    before = content_hashes(home)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PERSONA_", "AIRFLOW"))}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("persona"), "rebuild", "--home", home],
        cwd=home.parent, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    aside = home / "warehouse" / "persona.duckdb.before-rebuild"
    while not (aside.exists() and (home / "warehouse" / "persona.duckdb").exists()):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(3)
    process.kill()
    process.wait()
    assert "a rebuild was cut off" in persona("doctor", home=home).out
    answer = night(home)
    assert answer.code == 0, answer.out + answer.err
    assert "a rebuild was cut off: the warehouse before it is back" in answer.out
    assert content_hashes(home) == before
    assert not aside.exists()


def test_a_second_night_at_the_same_time_refuses(home: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PERSONA_", "AIRFLOW"))}
    sources = home.parent / "world" / "sources.yml"
    first = subprocess.Popen(
        [Path(sys.executable).with_name("persona"), "nightly", "--home", home, "--date", NIGHTS[-1],
         "--sources", sources],
        cwd=home.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    head = first.stdout.readline()
    second = night(home)
    assert second.code == 3
    for said in ("another night, rebuild or erasure of this home is under way", "process ", "wait for it to end"):
        assert said in second.err
    rest = first.communicate(timeout=300)[0]
    assert first.returncode == 0, head + rest


@pytest.mark.timeout(1500)
def test_a_person_is_erased_and_does_not_come_back(home: Path) -> None:
    with duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
        contact, email, name, phone, openid, unionid = connection.execute(
            """select contact_id, max(email), max(full_name), max(phone), max(openid), max(unionid)
               from identity.people group by contact_id
               having count(distinct source_object) = 4 and max(email) is not null and max(phone) like '+861%'
                  and max(openid) is not null and length(max(full_name)) = 3
               order by count(*) desc, contact_id limit 1"""
        ).fetchall()[0]
    settings = load_settings(home, home.parent / "world" / "sources.yml", NIGHTS[-1])
    person = find.find(settings, contact)
    assert person is not None
    words = [email, phone.removeprefix("+86"), openid, name, *([unionid] if unionid else [])]
    words += person.people.identifiers["cookie"]
    assert len(traces(home, words)) > 20
    others = other_contacts(home, contact)
    dry = persona("erase", "--identifier", email, "--dry-run", home=home)
    assert dry.code == 0, dry.err
    assert "rows removed" in dry.out
    asked = persona("erase", "--identifier", email, home=home)
    assert asked.code != 0  # nobody is there to answer
    assert len(traces(home, words)) > 20
    answer = persona("erase", "--identifier", email, "--yes", home=home)
    assert answer.code == 0, answer.out + answer.err
    assert not any(word in answer.out + answer.err for word in words)
    assert traces(home, words) == []
    assert other_contacts(home, contact) == others
    again = night(home, NIGHTS[-1], "--force")
    assert again.code == 0, again.out + again.err
    assert again.out.count("suppressed") == 3
    assert traces(home, words) == []
    assert other_contacts(home, contact) == others
    assert persona("releases", "rollback", home=home).code == 0
    examined = persona("doctor", "--sources", home.parent / "world" / "sources.yml", home=home)
    assert examined.code == 0, examined.out


def other_contacts(home: Path, contact: str) -> list[tuple[object, ...]]:
    """The contacts of the current release but for one. What a title or a visit is worth for the part in a decision is
    learnt from everybody, also from whoever goes: that of the others may move with them."""
    with duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select columns(name -> not regexp_matches(name, 'role|influence')) from marts.contacts"
            " where contact_id <> $1 order by contact_id",
            [contact],
        ).fetchall()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--identifier", "nobody@nowhere.com"), "nobody here bears this identifier"),
        (("--identifier", "a_0000000000000000", "--yes"), "nobody here bears this identifier"),
    ],
)
def test_an_unknown_identifier_is_wrong_use(home: Path, arguments: tuple[str, ...], said: str) -> None:
    answer = persona("erase", *arguments, home=home)
    assert answer.code == 2
    assert said in answer.err
    assert "--suppress-only" in answer.err
