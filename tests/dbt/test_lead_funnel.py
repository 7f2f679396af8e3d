"""What the funnel states of a rate is so as often as it says: cohorts of known rate, through the model's own SQL."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from persona_warehouse.settings import Settings

DRAWS = 4000
HORIZON = 90
NIGHT = np.datetime64("2026-11-20")


def _drawn(leads: int, converts: float, mean_days: float, watched: tuple[int, int]) -> pa.Table:
    """Spells of many cohorts: a share converts in the end, after days of an exponential law; each lead was watched for
    some days, and what came after them nobody knows yet."""
    dice = np.random.default_rng(20261120)
    shape = (DRAWS, leads)
    seen = dice.integers(watched[0], watched[1] + 1, shape)
    takes = np.floor(np.where(dice.random(shape) < converts, dice.exponential(mean_days, shape), np.inf))
    is_converted = takes <= seen
    takes = np.where(is_converted, takes, 0).astype(np.int64)
    entered = NIGHT - seen.astype("timedelta64[D]")
    went_on = entered + takes.astype("timedelta64[D]")
    return pa.table(
        {
            "lead_id": [str(number) for number in range(DRAWS * leads)],
            "lead_source": np.repeat([f"draw {number}" for number in range(DRAWS)], leads),
            "entered_on": entered.ravel(),
            "converted_on": pa.array(went_on.ravel(), mask=~is_converted.ravel()),
            "is_converted": is_converted.ravel(),
            "watched_days": seen.ravel(),
            "days_to_convert": pa.array(takes.ravel(), mask=~is_converted.ravel()),
        }
    )


@pytest.mark.parametrize(
    ("leads", "converts", "mean_days", "watched"),
    [
        pytest.param(40, 0.35, 40.0, (120, 150), id="all were watched"),
        pytest.param(60, 0.5, 30.0, (20, 110), id="four of five are too young"),
        pytest.param(80, 0.08, 20.0, (30, 120), id="few go on"),
        pytest.param(30, 0.95, 35.0, (45, 100), id="nearly all go on"),
    ],
)
def test_the_interval_holds_the_true_rate_in_about_95_of_100(
    world_copy: duckdb.DuckDBPyConnection,
    empty_world: Settings,
    leads: int,
    converts: float,
    mean_days: float,
    watched: tuple[int, int],
) -> None:
    drawn = _drawn(leads, converts, mean_days, watched)
    world_copy.register("drawn", drawn)
    world_copy.execute(
        """insert into intermediate.int_leads__spells by name
           select *, 'lead' as origin, 'raw' as stage, 1 as stage_order, date '2026-06-01' as cohort_month,
               not is_converted as is_lost, converted_on as left_on
           from drawn"""
    )
    compiled = empty_world.home / "dbt_target/compiled/persona_warehouse/models/marts/journeys/lead_funnel.sql"
    found = world_copy.execute(
        f"""select rate, rate_by_horizon, rate_by_horizon_lower, rate_by_horizon_upper, effective_n, entered
            from ({compiled.read_text(encoding="utf-8")})
            where view = 'cohort' and segment_type = 'lead_source' order by segment"""
    ).fetchnumpy()
    assert len(found["rate"]) == DRAWS
    # whole days: who takes 90.9 days took 90
    truth = converts * (1 - np.exp(-(HORIZON + 1) / mean_days))
    held = (found["rate_by_horizon_lower"] <= truth) & (truth <= found["rate_by_horizon_upper"])
    assert 0.925 <= held.mean() <= 0.975
    # the estimate is right on average; the plain rate of a young cohort is not
    assert abs(found["rate_by_horizon"].mean() - truth) < 0.015
    if watched[0] < 45:
        assert found["rate"].mean() < found["rate_by_horizon"].mean() - 0.02 * truth
    assert (found["effective_n"] <= found["entered"] + 1e-9).all()
