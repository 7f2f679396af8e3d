"""Two releases' personas side by side: who is who again, what changed by more than noise, and what is no release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from persona_warehouse.cli import app
from persona_warehouse.errors import ConfigError
from persona_warehouse.publish import Release
from persona_warehouse.versions.changes import TABLES, write_changes
from persona_warehouse.versions.comparison import MARTS, compare
from tests.contracts import mart_columns

# persona -> its accounts (a range), customers among them
Members = dict[str, tuple[range, int]]
Share = tuple[str, str, str, int, int]


@pytest.fixture
def release(tmp_path: Path) -> Callable[..., Release]:
    """A release with the marts of personas."""

    def make(
        release_id: str, members: Members, shares: Sequence[Share] = (), traits: Sequence[Share] = (), wins: int = 10
    ) -> Release:
        folder = tmp_path / release_id
        (folder / "marts").mkdir(parents=True)
        with duckdb.connect() as connection:
            for mart in MARTS:
                connection.execute(f"create table {mart} ({mart_columns()[mart]})")
            connection.executemany(
                "insert into accounts (account_id, icp_persona_id) values (?, ?)",
                [(f"a{n}", one) for one, (accounts, _) in members.items() for n in accounts] + [("z", None)],
            )
            connection.executemany(
                """insert into icp_personas (persona_id, version, kind, name_zh, name_en, account_count, customer_count)
                   values (?, date '2026-03-01', 'persona', ?, ?, ?, ?)""",
                [(one, one, f"Of {one}", len(accounts), k) for one, (accounts, k) in members.items()],
            )
            connection.execute("""insert into icp_personas (persona_id, kind, name_en, reason)
                                  values ('best', 'best customers', 'The best customers', 'too few')""")
            if shares:
                connection.executemany(
                    "insert into icp_persona_shares (persona_id, facet, value, k, n) values (?, ?, ?, ?, ?)", shares
                )
            if traits:
                connection.executemany(
                    """insert into icp_traits (persona_id, attribute, value, best_k, best_n, is_distinguishing,
                           tested_as) values (?, ?, ?, ?, ?, ?, 'value')""",
                    [(*one, one[3] > 30) for one in traits],
                )
            connection.execute(
                """insert into win_rates_by_prior_solution (level, prior_solution, product, n, wins)
                   values ('prior solution', 'competitor', 'all', 100, ?), ('product', 'competitor', 'x', 100, 0)""",
                [wins],
            )
            for mart in MARTS:
                connection.execute(f"copy {mart} to '{folder / 'marts' / mart}.parquet' (format parquet)")
        return Release(release_id, folder, {"tables": {f"marts.{mart}": {} for mart in MARTS}})

    return make


def test_personas_are_found_again_by_their_accounts_whatever_their_number(release: Callable[..., Release]) -> None:
    before = release("1", {"p1": (range(60), 40), "p2": (range(60, 100), 20)})
    after = release("2", {"p1": (range(55, 100), 20), "p2": (range(55), 30), "p3": (range(200, 230), 10)})
    found = compare(before, after)
    assert [(m.before, m.after, m.overlap) for m in found.matches] == [
        ("p1", "p2", pytest.approx(55 / 60)),
        ("p2", "p1", pytest.approx(40 / 45)),
        (None, "p3", None),
    ]
    assert not found.is_same_set
    assert ("after", "The best customers", "too few") in found.unsaid
    gone = compare(after, release("3", {"p1": (range(55, 100), 20)}))
    assert [(m.before, m.after) for m in gone.matches] == [("p1", "p1"), ("p2", None), ("p3", None)]


def test_only_what_is_more_than_noise_is_said_to_have_changed(release: Callable[..., Release]) -> None:
    members = {"p1": (range(60), 40)}
    before = release(
        "1", members,
        shares=[("p1", "goal", "cut_cost", 10, 50), ("p1", "goal", "growth", 40, 50), ("p1", "place", "north", 3, 4),
                ("customers", "lost_reason", "price", 50, 100)],
        traits=[("p1", "data_driven", "yes", 31, 50)],
    )  # fmt: skip
    after = release(
        "2", members, wins=60,
        # nobody has the second goal any more, and of places too little is known
        shares=[("p1", "goal", "cut_cost", 50, 50), ("p1", "place", "north", 4, 4),
                ("customers", "lost_reason", "price", 53, 100)],
        traits=[("p1", "data_driven", "yes", 29, 50)],
    )  # fmt: skip
    found = compare(before, after)
    assert {(one.about, one.what, one.is_more_than_noise) for one in found.changes} == {
        ("p1", "goal = cut_cost", True),
        ("p1", "goal = growth", True),
        ("p1", "data_driven = yes", False),
        ("p1", "customers among its accounts", False),
        ("customers", "lost_reason = price", False),
        ("deals", "won after competitor", True),
    }
    growth = next(one for one in found.changes if one.what == "goal = growth")
    assert (growth.k_before, growth.n_before, growth.k_after, growth.n_after) == (40, 50, 0, 50)
    assert growth.difference == pytest.approx(-0.8) and growth.p < 1e-9
    # said before and no more, though the share is as it was
    flipped = next(one for one in found.changes if one.what == "data_driven = yes")
    assert flipped.said == (True, False) and flipped.p_adjusted > 0.5
    assert len(found.sure) == 3
    same = compare(before, before)
    assert same.sure == () and same.is_same_set and {one.p for one in same.changes} == {1.0}


def test_a_release_without_personas_and_one_that_is_not_there_are_wrong_use(
    release: Callable[..., Release], tmp_path: Path
) -> None:
    good = release("1", {"p1": (range(9), 5)})
    old = Release("0", tmp_path, {"tables": {"marts.accounts": {}}})
    with pytest.raises(ConfigError, match="holds no personas") as caught:
        compare(old, good)
    assert "icp_personas" in str(caught.value)
    answer = CliRunner().invoke(app, ["personas", "diff", "2020", "--home", str(tmp_path / "home")])
    assert isinstance(answer.exception, ConfigError) and "no such release" in str(answer.exception)


def in_the_making(release: Release, tables: str = "") -> duckdb.DuckDBPyConnection:
    """A connection to a release before its Parquet files are: the marts of another one, and the schema `quality`."""
    connection = duckdb.connect()
    connection.execute("create schema marts; create schema quality")
    for mart in MARTS:
        connection.execute(f"create table marts.{mart} as from '{release.path / 'marts' / mart}.parquet'")
    connection.execute(tables)
    return connection


def test_a_release_tells_what_it_changes(release: Callable[..., Release]) -> None:
    before = release("1", {"p1": (range(60), 40)}, [("p1", "province", "广东省", 10, 40)])
    after = release("2", {"p1": (range(5, 70), 40)}, [("p1", "province", "广东省", 38, 40)])
    before.manifest["tables"] = {f"marts.{mart}": {"rows": 3} for mart in MARTS if mart != "icp_traits"}
    with in_the_making(
        after,
        """update marts.accounts set account_name = 'N' || account_id;
           update marts.accounts set tier = 'S', journey_stage = 'use' where account_id = 'a7'""",
    ) as connection:
        write_changes(connection, before)
        moved = connection.execute(
            "select what, account_id, value_before, value from quality.account_changes"
        ).fetchall()
        assert ("tier", "a7", None, "S") in moved and ("journey_stage", "a7", None, "use") in moved
        assert {one[1] for one in moved if one[0] == "new"} == {f"a{n}" for n in range(60, 70)}
        assert {one[1] for one in moved if one[0] == "gone"} == {f"a{n}" for n in range(5)}
        assert {one[0] for one in moved} == {"tier", "journey_stage", "new", "gone"}
        assert connection.execute("from quality.persona_matches").fetchall() == [("p1", "p1", 60, 65, 1.0)]
        ((difference, is_sure),) = connection.execute(
            "select difference, is_more_than_noise from quality.persona_changes where what like 'province%'"
        ).fetchall()
        assert (difference, is_sure) == (pytest.approx(0.7), True)
        rows = {name: counts for name, *counts in connection.execute("from quality.table_changes").fetchall()}
        assert rows["accounts"] == [3, 66] and rows["icp_traits"] == [None, 0]
        # written anew, not twice
        write_changes(connection, before)
        assert connection.execute("select count(*) from quality.persona_matches").fetchall() == [(1,)]


def test_a_first_release_changes_nothing(release: Callable[..., Release]) -> None:
    with in_the_making(release("1", {"p1": (range(60), 40)})) as connection:
        write_changes(connection, None)
        for table in TABLES:
            assert connection.execute(f"select count(*) from quality.{table}").fetchall() == [(0,)]


def test_a_former_release_of_another_shape_is_told_as_far_as_it_goes(
    release: Callable[..., Release], tmp_path: Path
) -> None:
    before = release("1", {"p1": (range(60), 40)})
    (before.path / "marts" / "icp_traits.parquet").unlink()
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (select 'a1' as account_id, 'One' as account_name, 'B' as tier)
                to '{before.path / "marts" / "accounts.parquet"}'"""
        )
    before.manifest["tables"] = {}
    with in_the_making(release("2", {"p1": (range(3), 2)})) as connection:
        write_changes(connection, before)
        assert connection.execute("select count(*) from quality.persona_matches").fetchall() == [(0,)]
        assert ("tier", "B", None) in connection.execute(
            "select what, value_before, value from quality.account_changes"
        ).fetchall()
