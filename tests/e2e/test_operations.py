"""The operations guide: every command in it is given as it stands there, in the order of its trouble."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from tests.conftest import ROOT, Answer, manifest, persona
from tests.standins.webhook import Webhook

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

GUIDE = ROOT / "docs" / "operations.md"
DAY = "2026-10-01"
# given under the scheduler, by tests/e2e/test_scheduler.py
ELSEWHERE = ("persona airflow ",)


def documented() -> set[str]:
    """Every command of the guide: between backticks and in blocks of shell, on one line."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    inline = re.findall(r"`(persona [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("persona ")]
    return {" ".join(one.split()) for one in [*inline, *lines]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("guide") / "home"
    arguments = ("--companies", "12", "--days", "60", "--end", DAY)
    assert persona("simulate", "--out", home / "sample", *arguments, home=home).code == 0
    return home


def test_every_command_of_the_guide_does_what_it_says(home: Path) -> None:
    given: set[str] = set()

    def give(command: str, *instead: str, codes: tuple[int, ...] = (0,), **environment: str) -> Answer:
        """Gives a command of the guide; `instead` stand for its words in capitals."""
        words = command.split()[1:]
        for value in instead:
            words = [value if re.fullmatch("[A-Z]{2,}", word) and word not in instead else word for word in words]
        answer = persona(*words, home=home, **environment)
        assert answer.code in codes, f"{command}: {answer.code}\n{answer.out}\n{answer.err}"
        given.add(command)
        return answer

    day = {"PERSONA_DATE": DAY}
    assert "are ready" in give("persona migrate").out
    assert "nothing published yet" in give("persona doctor", codes=(0, 2)).out
    give("persona nightly --date 2026-10-01")
    first = manifest(home)["release_id"]
    give("persona nightly", **day)
    give("persona nightly --force", **day)
    assert manifest(home)["release_id"] != first
    assert first in give("persona releases list").out
    assert "expectations hold" in give("persona quality").out
    give("persona releases rollback")
    assert f"current is now {first}" in give("persona releases rollback ID", first).out
    with duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True) as connection:
        ((account,),) = connection.execute("select min(account_id) from marts.accounts").fetchall()
        ((lead,),) = connection.execute(
            "select min(source_id) from marts.contact_identities where source_object = 'leads'"
        ).fetchall()
    assert f"account {account}" in give("persona identity explain ID", account).out
    give("persona identity changes")
    with duckdb.connect(str(home / "warehouse" / "persona.duckdb"), read_only=True) as connection:
        ((change,),) = connection.execute("select min(change_id) from identity.changes").fetchall()
    # a change that only began something has nothing to be undone: it is said, with the reason
    assert give("persona identity undo CHANGE", change, codes=(0, 2)).code in (0, 2)
    with Webhook() as webhook:
        told = {"AIRFLOW_CONN_ALARMS_CRITICAL": webhook.connection("critical")}
        give("persona alarms test", **told)
        assert [channel for channel, _, _ in webhook.taken()] == ["critical"]
    give("persona alarms show")
    give("persona alarms check --hours 30")
    assert "tables have the content of" in give("persona rebuild").out
    give("persona retain")
    assert "no erasure was cut off" in give("persona erase").out
    before = lead
    answer = persona("erase", "--identifier", before, "--yes", home=home)
    assert answer.code == 0, answer.out + answer.err
    assert "that still hold them: 0" in answer.out
    given.add("persona erase --identifier VALUE")
    give("persona erase --unfollowed")
    assert "✗" not in give("persona doctor").out
    contacts, hashes = _ids(home)
    (home / "secrets" / "hash_key").write_text("another secret of more than sixteen characters")
    give("persona nightly", **day)
    again, others = _ids(home)
    assert again == contacts
    assert hashes and not hashes & others
    give("persona releases prune --keep 1")
    assert len(list((home / "releases").glob("[0-9]*"))) == 1

    wanted = {one for one in documented() if not one.startswith(ELSEWHERE)}
    assert wanted
    assert wanted - given == set()


def _ids(home: Path) -> tuple[set[str], set[str]]:
    """The contacts of the current release, and its hashed keys."""
    with duckdb.connect(str(home / "current" / "persona_marts.duckdb"), read_only=True) as connection:
        contacts = connection.execute("select contact_id from marts.contacts").fetchall()
        hashes = connection.execute("select identity_key from marts.contact_identities").fetchall()
    return {one for (one,) in contacts}, {one for (one,) in hashes}
