"""Personas, traits and fit of the accounts, against who made the companies, what differs, and who buys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from sklearn.metrics import adjusted_rand_score

from accuracy.measures import Found, measure
from persona_warehouse.personas.evaluation import auc_of
from persona_warehouse.personas.tables import fit_scored, memberships, traits_tested

BEST = 50
# figures that do not add up are kept in ten thousandths, with the worlds they come from
SCALE = 10_000


def _mean(name: str) -> Any:
    def scores(counts: Mapping[str, int]) -> dict[str, float]:
        return {name: counts[name] / SCALE / counts["worlds"] if counts["worlds"] else 1.0}

    return scores


@measure("personas of customers", _mean("adjusted Rand index"), **{"adjusted Rand index": 0.8})
def personas(connection: duckdb.DuckDBPyConnection) -> Found:
    """Whom the personas group together, against the persona that made each company."""
    accounts, truth = _accounts(connection), _truth(connection)
    found = memberships(_facts(connection, "in_personas"), accounts)
    customers = set(accounts.filter(accounts["is_customer"])["account_id"].to_pylist())
    said = dict(zip(found["account_id"].to_pylist(), found["persona_number"].to_pylist(), strict=True))
    pairs = [(row["persona"], said[row["account_id"]] or 0) for row in truth if row["account_id"] in customers]
    so, given = zip(*pairs, strict=True)
    return Found({"adjusted Rand index": round(SCALE * adjusted_rand_score(so, given)), "worlds": 1})


def _rates(counts: Mapping[str, int]) -> dict[str, float]:
    return {
        "precision": 1 - counts["false"] / counts["said"] if counts["said"] else 1.0,
        "power": counts["right"] / counts["so"] if counts["so"] else 1.0,
    }


@measure("traits of the 50 best customers and of personas", _rates, precision=0.9, power=0.8)
def traits(connection: duckdb.DuckDBPyConnection) -> Found:
    """Attributes said to distinguish the truly best customers or a persona, against those that differ by persona."""
    ranks = {row["account_id"]: row["value_rank"] for row in _truth(connection)}
    accounts = _accounts(connection)
    best = [(ranks.get(account) or BEST + 1) <= BEST for account in accounts["account_id"].to_pylist()]
    place = accounts.column_names.index("is_best_customer")
    accounts = accounts.set_column(place, "is_best_customer", pa.array(best, pa.bool_()))
    members = memberships(_facts(connection, "in_personas"), accounts)
    found = traits_tested(_facts(connection, "in_traits"), accounts, members).to_pylist()
    said = {row["attribute"] for row in found if row["is_distinguishing"]}
    tested = {row["attribute"] for row in found if row["p"] is not None}
    names = connection.execute("""
        select attribute, is_distinguishing, follows_from_size_or_trade from truth_files.truth.attributes""").fetchall()
    differs = {attribute for attribute, is_so, _ in names if is_so}
    core = {attribute for attribute, is_so, follows in names if is_so and not follows}
    judged = said & {attribute for attribute, *_ in names}
    return Found(
        {
            "false": len(judged - differs),
            "said": len(judged),
            "right": len(judged & core),
            "so": len(core & tested),
        },
        tuple(f"said and not so: {name}" for name in sorted(judged - differs)),
    )


@measure("fit", _mean("1 - (true AUC - AUC)"), **{"1 - (true AUC - AUC)": 0.97})
def fit(connection: duckdb.DuckDBPyConnection) -> Found:
    """The back-test of accounts whose outcome is known, against the truth's own score of the same accounts."""
    scored = fit_scored(_facts(connection, "in_fit"), _accounts(connection))
    tested = dict(zip(scored["account_id"].to_pylist(), scored["tested_probability"].to_pylist(), strict=True))
    rows = [row for row in _truth(connection) if tested.get(row["account_id"]) is not None]
    buys = np.array([row["buys"] for row in rows])
    mine = auc_of(np.array([tested[row["account_id"]] for row in rows]), buys)
    best = auc_of(np.array([row["fit_score"] for row in rows]), buys)
    return Found({"1 - (true AUC - AUC)": round(SCALE * (1 - (best - mine))), "worlds": 1})


def _accounts(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    return connection.execute("from intermediate.int_personas__accounts").to_arrow_table()


def _facts(connection: duckdb.DuckDBPyConnection, use: str) -> pa.Table:
    return connection.execute(f"""
        select * from intermediate.int_personas__facts where {use}
    """).to_arrow_table()


def _truth(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What is so of each account of the market: of the company that most of its CRM records are."""
    return (
        connection.execute("""
        with meant as (
            select i.account_id, mode(t.company_id order by t.company_id) as company_id
            from identity.companies as i
            join truth_files.truth.identities as t
                on t.source_system = 'crm' and t.source_object = 'companies' and t.source_id = i.source_id
            where i.source_system = 'crm' group by i.account_id
        )
        select m.account_id, c.persona, c.fit_score, c.buys, u.value_rank
        from meant as m
        join truth_files.truth.companies as c using (company_id)
        left join truth_files.truth.customers as u using (company_id)
        join intermediate.int_personas__accounts as a using (account_id)
        where c.relation = 'prospect' order by m.account_id""")
        .to_arrow_table()
        .to_pylist()
    )
