"""Errors say where, what and what to do, and survive the way between processes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from persona_warehouse.errors import AuditFailed, ConfigError, ExitCode, PersonaError, SourceFault

PLACES = {
    "source": "crm",
    "object": "deals",
    "file": "deals.csv",
    "row": 0,
    "field": "amount",
    "expected": "a number",
    "found": "'-'",
    "remedy": "correct it",
}


def pickled(error: PersonaError) -> PersonaError:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - made here
    assert isinstance(back, PersonaError)
    return back


@pytest.mark.parametrize(
    ("kind", "code"), [(PersonaError, 3), (SourceFault, 3), (ConfigError, 2), (AuditFailed, 1)], ids=str
)
def test_exit_codes(kind: type[PersonaError], code: int) -> None:
    assert kind("x").exit_code == ExitCode(code)


def test_the_text_names_the_place_and_the_remedy() -> None:
    assert str(PersonaError("it broke", **PLACES)).splitlines() == [  # type: ignore[arg-type]
        "it broke",
        "  where:    source crm, object deals, file deals.csv, row 0, field amount",
        "  expected: a number",
        "  found:    '-'",
        "  to do:    correct it",
    ]
    assert str(PersonaError("it broke")) == "it broke"
    assert str(PersonaError("it broke", found="")).splitlines()[1:] == ["  found:    "]


@pytest.mark.parametrize("kind", [PersonaError, ConfigError, SourceFault, AuditFailed])
@pytest.mark.parametrize("places", [{}, PLACES], ids=["bare", "all"])
@pytest.mark.parametrize("way", [pickled, copy.copy, copy.deepcopy])
def test_round_trip(
    kind: type[PersonaError], places: dict[str, Any], way: Callable[[PersonaError], PersonaError]
) -> None:
    error = kind("it broke", **places)
    error.add_note("in the third try")
    back = way(error)
    assert type(back) is kind
    assert str(back) == str(error)
    assert back.args == error.args
    assert vars(back) == vars(error)
    assert back.__notes__ == ["in the third try"]
    with pytest.raises(kind):
        raise back
