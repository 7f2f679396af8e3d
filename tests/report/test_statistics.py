"""The interval against published and hand-computed figures."""

import pytest

from persona_warehouse.report.statistics import Share, wilson_interval


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.277533),  # z^2 / (n + z^2)
        (5, 10, 0.236593, 0.763407),
        (10, 10, 0.722467, 1.0),
        (15, 148, 0.0624, 0.1605),  # figures below: Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_matches_known_figures(successes: int, n: int, low: float, high: float) -> None:
    # the published figures are rounded to four digits
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=6e-5)


def test_wilson_interval_ends_exactly_at_zero_and_one() -> None:
    assert wilson_interval(0, 7)[0] == 0
    assert wilson_interval(7, 7)[1] == 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"successes={successes}, n={n}"):
        wilson_interval(successes, n)


def test_a_share_of_fewer_than_five_is_suppressed() -> None:
    assert Share(2, 4).is_suppressed
    assert Share(2, 4).value is None
    assert Share(2, 4).interval is None
    assert not Share(2, 5).is_suppressed
    assert Share(2, 5).value == 0.4


def test_a_share_of_nothing_is_unknown_but_hides_nothing() -> None:
    assert Share(0, 0).value is None
    assert not Share(0, 0).is_suppressed
