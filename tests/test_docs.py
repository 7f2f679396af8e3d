"""The documentation's commands, run as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

from tests.conftest import ROOT

DOCS = ROOT / "docs"
CONCEPTS = ("persona", "role-tags", "buying-journey", "funnel", "tiers")
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.S)


def blocks(name: str) -> list[tuple[str, str]]:
    """Kind and text of every fenced command of a page, in order."""
    return BLOCK.findall((DOCS / name).read_text(encoding="utf-8"))


def run(kind: str, text: str, folder: Path) -> str:
    """What a block prints; it must end well."""
    command = ["sh", "-e", "-c", text] if kind == "sh" else [sys.executable, "-c", text]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PERSONA_", "AIRFLOW"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**kept, "PATH": path}, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_both_languages_give_the_same_commands() -> None:
    assert blocks("tutorial.md") == blocks("tutorial.zh-CN.md")
    assert [kind for kind, _ in blocks("tutorial.md")] == ["sh", "sh", "sh", "sh", "sh", "python"]


@pytest.mark.parametrize("name", CONCEPTS)
def test_a_concept_is_told_in_both_languages_of_the_same_tables(name: str) -> None:
    texts = [(DOCS / "concepts" / f"{name}{ending}.md").read_text(encoding="utf-8") for ending in ("", ".zh-CN")]
    named = [sorted(set(re.findall(r"marts\.\w+|\w+\.csv", text))) for text in texts]
    assert named[0] == named[1] != []
    models = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    seeds = {path.name for path in (ROOT / "dbt_project" / "seeds").rglob("*.csv")}
    for one in named[0]:
        assert one.removeprefix("marts.") in models | seeds, one


@pytest.mark.heavy
def test_the_tutorial_leads_to_the_first_persona(tmp_path: Path) -> None:
    said = [run(kind, text, tmp_path) for kind, text in blocks("tutorial.md")]
    assert "next: persona nightly --sources" in said[0]
    assert re.search(r"\d+ files, \d+ columns mapped", said[1])
    assert "✓ 9/9 build_personas.publish_release" in said[3]
    assert str(tmp_path / "var" / "current" / "report" / "index.html") in said[4]
    assert "decide" in said[5]
    # the page on BI tools, on the same release
    ((kind, text),) = blocks("bi.md")
    opened, parquet = run(kind, text, tmp_path).splitlines()
    accounts = int(opened.strip("(,)"))
    assert opened == parquet and accounts > 100
    url = f"duckdb:///{tmp_path}/var/current/persona_marts.duckdb"
    engine = sqlalchemy.create_engine(url, connect_args={"read_only": True}, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select count(*) from marts.accounts")).scalar_one() == accounts
