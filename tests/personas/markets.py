"""Markets drawn from the sample world's model, as the warehouse would know them: with gaps and slips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from persona_warehouse.simulate import personas

WRONG = 0.04
TRUE_TRAITS = {attribute.name for attribute in personas.ATTRIBUTES if attribute.tilted}


@dataclass(frozen=True)
class Market:
    """Companies, what is known of them, who bought, and of what persona they were made."""

    ids: list[str]
    facts: pa.Table
    buys: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]
    persona: npt.NDArray[np.int64]

    def named(self, mask: npt.NDArray[np.bool_]) -> list[str]:
        return [self.ids[place] for place in np.flatnonzero(mask)]

    def best(self, number: int) -> list[str]:
        """The most valuable of those who bought."""
        customers = np.flatnonzero(self.buys)
        return [self.ids[place] for place in customers[np.argsort(-self.value[customers])][:number]]


def facts_of(rows: list[tuple[str, str, str | None, float | None]]) -> pa.Table:
    """Facts from (account, attribute, value, number)."""
    names = ("account_id", "attribute", "value", "number")
    types = (pa.string(), pa.string(), pa.string(), pa.float64())
    return pa.table(
        {n: pa.array([row[i] for row in rows], t) for i, (n, t) in enumerate(zip(names, types, strict=True))}
    )


def market(companies: int, *, seed: int) -> Market:
    """A market; each attribute is known for its coverage and wrong now and then."""
    made = personas.profiles(seed, companies)
    dice = np.random.default_rng(seed + 1)
    buys = dice.random(companies) < made.win
    ids = [f"a{number:05d}" for number in range(companies)]
    parts = []
    for attribute in personas.ATTRIBUTES:
        known = np.flatnonzero(dice.random(companies) < attribute.coverage)
        slips = dice.random(companies) < WRONG
        codes = np.where(slips, dice.integers(0, len(attribute.values), companies), made.attributes[attribute.name])
        parts.append(_part(ids, known, attribute.name, np.array(attribute.values)[codes[known]], None))
    known = np.flatnonzero(dice.random(companies) < 0.8)
    parts.append(_part(ids, known, "industry", np.char.mod("t%d", made.trade[known]), None))
    parts.append(_part(ids, known, "employee_count", made.employees[known].astype(str), made.employees[known]))
    return Market(ids, pa.concat_tables(parts), buys, made.value, made.persona)


def _part(ids: list[str], known: npt.NDArray[np.int64], attribute: str, values: object, numbers: object) -> pa.Table:
    n = len(known)
    return pa.table(
        {
            "account_id": pa.array(ids).take(pa.array(known)),
            "attribute": pa.array([attribute] * n),
            "value": pa.array(values, pa.string()),
            "number": pa.nulls(n, pa.float64()) if numbers is None else pa.array(numbers).cast(pa.float64()),
        }
    )
