"""`persona try fit`: from a file to points, figures and refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from persona_warehouse.cli import app
from persona_warehouse.errors import ConfigError
from persona_warehouse.personas.outcomes import read_outcomes
from persona_warehouse.tryout.fit import try_fit, unknowable
from tests.personas.leads import leads


def texts(*values: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def test_a_table_in_gb18030_gives_scores_points_and_figures(tmp_path: Path) -> None:
    made = leads(700, seed=11, leaks=True)
    source = tmp_path / "leads.csv"
    names = made.table.rename_columns(["是否成交" if name == "won" else name for name in made.table.column_names])
    lines = [",".join(names.column_names)]
    lines += [",".join("" if v is None else str(v) for v in row.values()) for row in names.to_pylist()]
    source.write_bytes("\n".join(lines).encode("gb18030"))
    result = CliRunner().invoke(
        app, ["try", "fit", str(source), "--label", "是否成交", "--time", "created", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert f"{made.is_won.sum()} rows with the outcome (是)" in result.output
    assert re.search(r"close reason +leak", result.output) and re.search(r"Lead Quality +suspected", result.output)
    scored = pacsv.read_csv(tmp_path / "leads.fit.csv")
    assert scored.num_rows == 700
    assert scored.column_names[-5:] == [
        "fit_score", "fit_probability", "fit_decile", "fit_signals", "fit_tested_probability",
    ]  # fmt: skip
    # the points of a row, those of its signals and the base, are its score
    for score, signals in zip(scored["fit_score"].to_pylist(), scored["fit_signals"].to_pylist(), strict=True):
        points = [float(each) for each in re.findall(r"([+-][0-9.]+)(?:;|$)", signals)]
        assert sum(points) == pytest.approx(score, abs=0.051)
    best = np.array(scored["fit_decile"].to_pylist()) == 1
    assert made.is_won[best].mean() > 1.8 * made.is_won.mean()
    tested = scored["fit_tested_probability"]
    assert 0 < tested.null_count < 700
    points_table = pacsv.read_csv(tmp_path / "leads.fit.points.csv").to_pylist()
    assert {row["signal"] for row in points_table} >= {"source", "(base)"}
    sources = {row["value"]: row["points"] for row in points_table if row["signal"] == "source"}
    assert max(sources, key=lambda value: sources[value]) == "referral"
    figures = json.loads((tmp_path / "leads.fit.json").read_text(encoding="utf-8"))
    assert figures["outcomes"]["with"] == made.is_won.sum()
    assert {row["column"] for row in figures["columns"] if row["verdict"] == "leak"} >= {"close reason", "fee"}
    assert figures["test"]["scores"][0]["auc"]["value"] > 0.65
    assert [each.split(":")[0] for each in figures["cannot_be_known"]] == ["when a column was filled in"]
    assert "source" in figures["cannot_be_known"][0] and "cannot be known: when a column" in result.output


def test_open_rows_are_scored_and_teach_nothing() -> None:
    made = leads(400, seed=12)
    states = np.where(np.arange(400) % 4 == 0, "Negotiation", np.where(made.is_won, "Closed Won", "Closed Lost"))
    table = made.table.set_column(made.table.column_names.index("won"), "Stage", pa.array(states))
    tried = try_fit(table, Path("x"), "Stage", exclude=["created"])
    assert tried.fit.positives == (made.is_won & (np.arange(400) % 4 != 0)).sum()
    assert tried.outcomes.open == ("Negotiation",)
    assert "whether the score holds for later rows: no --time was given, rows were tested at random" in unknowable(
        tried, None
    )
    assert tried.columns["fit_score"].null_count == 0
    untested = tried.columns["fit_tested_probability"].is_null().to_numpy(zero_copy_only=False)
    assert np.flatnonzero(untested).tolist() == list(range(0, 400, 4))


@pytest.mark.parametrize(
    ("values", "positive", "won", "lost", "open_"),
    [
        (["1", "0"], [], ("1",), ("0",), ()),
        (["Yes", "no", None], [], ("Yes",), ("no",), ()),
        (["赢单", "输单", "商务谈判"], [], ("赢单",), ("输单",), ("商务谈判",)),
        (["Converted", "Junk"], [], ("Converted",), ("Junk",), ()),
        (["gold", "silver", "wood"], ["GOLD", "silver"], ("gold", "silver"), ("wood",), ()),
        (["Won", "Lost", "Engaging"], ["won"], ("Won",), ("Lost",), ("Engaging",)),
        (["2", "1"], [], ("2",), ("1",), ()),
    ],
)
def test_outcomes_are_read(
    values: list[str | None], positive: list[str], won: tuple[str, ...], lost: tuple[str, ...], open_: tuple[str, ...]
) -> None:
    found = read_outcomes(texts(*(values * 12)), "label", Path("x"), positive)
    assert (found.won, found.lost, found.open) == (won, lost, open_)


@pytest.mark.parametrize(
    ("values", "positive", "problem"),
    [
        (["yes"] * 30, [], "all rows have the same outcome"),
        (["yes"] * 30 + ["no"] * 4, [], "too few outcomes"),
        (["a", "b", "c"] * 20, [], "which rows have the outcome is not clear"),
        (["a", "b", "c"] * 20, ["d"], "no row has the outcome that was named"),
        (["Select", None, "-"] * 20, [], "no row has an outcome"),
    ],
)
def test_outcomes_that_teach_nothing_are_refused(values: list[str | None], positive: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        read_outcomes(texts(*values), "label", Path("x.csv"), positive)
    assert caught.value.field == "label" and caught.value.remedy


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(leads(60, seed=1).table, file)
    result = CliRunner().invoke(app, ["try", "fit", str(file), "--label", "wno"])
    assert isinstance(result.exception, ConfigError)
    assert "nearest: won" in str(result.exception) and "give --label NAME" in str(result.exception)


def test_real_opportunities_hold_no_signal_and_that_is_said(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "crm_maven_sales_opportunities" / "sales_pipeline.csv"
    result = CliRunner().invoke(
        app, ["try", "fit", str(file), "--label", "deal_stage", "--time", "engage_date", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "sales_pipeline.fit.json").read_text(encoding="utf-8"))
    assert (figures["outcomes"]["with"], figures["outcomes"]["without"]) == (4238, 2473)
    assert {row["column"]: row["verdict"] for row in figures["columns"]} == {
        "opportunity_id": "unusable", "sales_agent": "used", "product": "used", "account": "used", "close_date": "leak",
        "close_value": "leak",
    }  # fmt: skip
    assert not figures["test"]["beats_constant"]
    assert any("does not beat a constant" in warning for warning in figures["warnings"])
