"""The one place that talks to Splink: a model of how records of one entity agree, and pairs of records scored by it.

A model starts from values set by hand and stays there while records are few. With enough of them, how often
strangers agree (u) is counted on a sample without doubles, how often records of one entity agree (m) comes of
expectation maximisation where enough pairs exist, and names have frequencies of their own. A trained model is frozen:
a night scores by the model it finds, so that what an earlier night said of a pair stays true.
(Fellegi & Sunter 1969; Linacre et al. 2022, Splink.)
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from persona_warehouse.warehouse import identifier, literal

# below this a model keeps what was set by hand, and below that many pairs of a rule nothing is learnt from them
FEWEST_RECORDS, FEWEST_PAIRS = 200, 500
# strangers are counted among all pairs of so many records; of more pairs than that EM sees a part
SAMPLE, MOST_PAIRS = 1_000, 200_000
# how far training may move a value that was set by hand
FURTHEST = {"m": 4.0, "u": 10.0}
# the share of pairs of one entity that the certain rules find, a guess
CERTAIN_RECALL = 0.6
SEED = 7
SIGNIFICANT = 6


@dataclass(frozen=True)
class Level:
    """A way in which two values may agree.

    Attributes:
        label: in words.
        sql: a condition over `<column>_l` and `<column>_r`; the last level of a comparison is `ELSE`.
        m, u: how often it is so among pairs of one entity, and among strangers; set by hand.
        frequency: the column whose commonness counts: to share a rare value says more.
        is_fixed: no training moves it.
    """

    label: str
    sql: str
    m: float
    u: float
    frequency: str | None = None
    is_fixed: bool = False


@dataclass(frozen=True)
class Comparison:
    """What is compared; `unknown` is the condition under which it says nothing. The surest level stands first."""

    name: str
    unknown: str
    levels: tuple[Level, ...]

    def label(self, gamma: int) -> str | None:
        """The words of a result, None when nothing is known."""
        return None if gamma < 0 else self.levels[len(self.levels) - 1 - gamma].label


@dataclass(frozen=True)
class Design:
    """How an entity's records are compared, before any training.

    Attributes:
        comparisons: independent of each other, as far as that goes.
        blocking: conditions over `l.` and `r.`; only pairs that one of them finds are compared.
        certain: conditions that are hardly ever wrong, from which the share of doubles is guessed.
        training: for EM: a condition, and it trains what it does not speak of.
    """

    comparisons: tuple[Comparison, ...]
    blocking: tuple[str, ...]
    certain: tuple[str, ...] = ()
    training: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A design with its values.

    Attributes:
        settings: as Splink has them, JSON.
        records: on how many it was trained; 0 by hand.
        frequencies: table (column_name, term, occurrences) of the training, None by hand.
    """

    design: Design
    settings: dict[str, Any]
    records: int = 0
    frequencies: str | None = None
    learnt: tuple[str, ...] = field(default=())

    @cached_property
    def frequency_columns(self) -> dict[str, float]:
        """Column -> u of its level set by hand."""
        found: dict[str, float] = {}
        for comparison in self.design.comparisons:
            for level in comparison.levels:
                if level.frequency:
                    found.setdefault(level.frequency, level.u)
        return found

    def to_json(self) -> str:
        kept = {
            "settings": self.settings, "records": self.records, "learnt": self.learnt, "frequencies": self.frequencies,
            "rare": self.frequency_columns,
        }  # fmt: skip
        return json.dumps(kept, sort_keys=True)

    @property
    def prior(self) -> float:
        """The match weight of two records of which nothing is known."""
        odds = self.settings["probability_two_random_records_match"]
        return math.log2(odds / (1 - odds))

    @staticmethod
    def from_json(text: str) -> Model:
        """A model as it was saved."""
        kept = json.loads(text)
        settings = kept["settings"]
        comparisons = tuple(_read_comparison(each, kept["rare"]) for each in settings["comparisons"])
        design = Design(comparisons, tuple(settings["blocking_rules_to_generate_predictions"]))
        return Model(design, settings, kept["records"], kept["frequencies"], tuple(kept["learnt"]))


def _read_comparison(kept: dict[str, Any], rare: dict[str, float]) -> Comparison:
    """A comparison as it was saved; of u only that of columns with frequencies is known as it was set by hand."""
    unknown, *levels = kept["comparison_levels"]

    def level(one: dict[str, Any]) -> Level:
        column: str | None = one.get("tf_adjustment_column")
        u = float(rare[column] if column else one["u_probability"])
        label, sql = one["label_for_charts"], one["sql_condition"]
        return Level(label, sql, one["m_probability"], u, column, one["fix_u_probability"])

    return Comparison(kept["output_column_name"], unknown["sql_condition"], tuple(map(level, levels)))


def by_hand(design: Design, records: int = 1_000) -> Model:
    """The model before any training; of that many records every second has a double, perhaps."""
    return Model(design, _settings(design, 1 / max(records, 2)))


def _settings(design: Design, prior: float) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "node",
        "probability_two_random_records_match": prior,
        "blocking_rules_to_generate_predictions": list(design.blocking),
        "comparisons": [_comparison(comparison) for comparison in design.comparisons],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "linker_uid": "persona",
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    unknown = {"sql_condition": comparison.unknown, "label_for_charts": "unknown", "is_null_level": True}
    levels: list[dict[str, Any]] = [unknown]
    for level in comparison.levels:
        levels.append(
            {
                "sql_condition": level.sql,
                "label_for_charts": level.label,
                "m_probability": level.m,
                "u_probability": level.u,
                "fix_m_probability": level.is_fixed,
                "fix_u_probability": level.is_fixed,
            }
        )
        if level.frequency:
            levels[-1] |= {"tf_adjustment_column": level.frequency, "disable_tf_exact_match_detection": True}
    return {"output_column_name": comparison.name, "comparison_levels": levels}


@contextmanager
def _silence() -> Iterator[None]:
    """Splink tells much, and to standard error: only what is wrong is wanted, and that comes as an exception."""
    splink = logging.getLogger("splink")
    before, handlers = splink.level, list(splink.handlers)
    splink.setLevel(logging.CRITICAL)
    if not handlers:
        splink.addHandler(logging.NullHandler())
    try:
        yield
    finally:
        splink.setLevel(before)


@contextmanager
def _linker(
    connection: duckdb.DuckDBPyConnection, model: Model, table: str, settings: dict[str, Any] | None = None
) -> Iterator[Any]:
    """A linker over a table with the model's frequencies; what it made in the database goes at the end."""
    with _silence():
        from splink import DuckDBAPI, Linker

        api = DuckDBAPI(connection=connection)
        given: list[Any] = []

        def register(relation: duckdb.DuckDBPyRelation) -> Any:
            given.append(api.register(relation))
            return given[-1]

        shown = connection.execute("select current_setting('enable_progress_bar')").fetchone()
        connection.execute("set enable_progress_bar = false")
        told = json.loads(json.dumps(settings or model.settings))
        linker = Linker(register(connection.table(table)), told, log_level=None, validate_settings=False)
        for column, u in model.frequency_columns.items():
            # a table and no query: it is read once a side
            connection.execute(
                f"create or replace temp table linkage_terms_{column} as {_frequencies(model, table, column, u)}"
            )
            terms = register(connection.table(f"linkage_terms_{column}"))
            linker.table_management.register_term_frequency_lookup(terms, column)
        linker.register_relation = register  # type: ignore[attr-defined]
        yield linker
        # not after an error: the transaction is gone then, and with it all that was made
        api.delete_tables_created_by_splink_from_db()
        for each in given:
            connection.unregister(each.physical_name)
        for column in model.frequency_columns:
            connection.execute(f"drop table linkage_terms_{column}")
        connection.execute(f"set enable_progress_bar = {bool(shown and shown[0])}")


def _frequencies(model: Model, table: str, column: str, u: float) -> str:
    """Frequency of each term of a column: as if 1/u strangers had been seen before the model's records.

    A term that the training did not see counts as seen once, so few records say little and many say all.
    """
    seen = (
        f"(select term, occurrences from {model.frequencies} where column_name = {literal(column)})"
        if model.frequencies
        else "(select cast(null as varchar) as term, cast(null as bigint) as occurrences where false)"
    )
    total = model.records + 1 / u
    return f"""
    select t.term as {identifier(column)}, coalesce(s.occurrences, 1) / {total} as {identifier("tf_" + column)}
    from (select distinct {identifier(column)} as term from {table} where {identifier(column)} is not null) as t
    left join {seen} as s using (term)"""


def score(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    table: str,
    out: str,
    *,
    least: float,
    new: str | None = None,
    pairs: str | None = None,
    levels: bool = False,
) -> None:
    """Writes `out`(node_l, node_r, match_weight, match_probability), node_l < node_r.

    Args:
        table: the records, with the column `node` and the design's columns.
        least: pairs less probable are left out.
        new: only pairs with one of these records (a table or query with `node`); None for all.
        pairs: score these pairs (node_l, node_r) instead of those that the blocking finds.
        levels: also which level each comparison reached, gamma_<comparison> (`Comparison.label`).
    """
    found = [f"gamma_{comparison.name}" for comparison in model.design.comparisons] if levels else []
    columns = ", ".join(["node_l, node_r, match_weight, match_probability", *found])
    with _linker(connection, model, table, {**model.settings, "retain_matching_columns": levels}) as linker:
        parts = " union all ".join(
            f"select {columns} from {one.physical_name}"
            for one in _predicted(connection, linker, table, least, new, pairs)
        )
        connection.execute(f"""
        create or replace temp table {out} as
        select * replace (least(node_l, node_r) as node_l, greatest(node_l, node_r) as node_r) from ({parts})""")


def _predicted(
    connection: duckdb.DuckDBPyConnection,
    linker: Any,
    table: str,
    least: float,
    new: str | None,
    pairs: str | None,
) -> list[Any]:
    register = linker.register_relation
    if pairs is not None:
        blocked = connection.sql(f"select '0' as match_key, node_l as join_key_l, node_r as join_key_r from {pairs}")
        linker.table_management.register_blocked_pairs_for_predict(register(blocked))
    if pairs is not None or new is None:
        return [linker.inference.predict(threshold_match_probability=least, warning_mode="never")]
    fresh = register(connection.sql(f"select * from {table} where node in (select node from {new})"))
    rest = register(connection.sql(f"select * from {table} where node not in (select node from {new})"))
    told = {"threshold_match_probability": least, "warning_mode": "never"}
    return [linker.inference.predict_within(fresh, **told), linker.inference.predict_between(rest, fresh, **told)]


# ---- training


def train(connection: duckdb.DuckDBPyConnection, design: Design, table: str, *, frequencies: str) -> Model:
    """Learns a model from records; the values set by hand stay where there is too little to learn from.

    Args:
        table: the records; a column `entity`, when it has one, joins records known to be of one entity: strangers are
            counted, and values too, with one record of each.
        frequencies: the name of a table to be written (column_name, term, occurrences).
    """
    single = table
    if "entity" in connection.table(table).columns:
        single = "linkage_single"
        connection.execute(f"""
        create or replace temp table {single} as
        select t.* from {table} as t semi join (select min(node) as node from {table} group by entity) using (node)""")
    model = _trained(connection, design, table, single, frequencies)
    connection.execute("drop table if exists linkage_single")
    return model


def _trained(connection: duckdb.DuckDBPyConnection, design: Design, table: str, single: str, frequencies: str) -> Model:
    count = connection.execute(f"select count(*) from {single}").fetchone()
    records = count[0] if count else 0
    model = by_hand(design)
    _count_terms(connection, model, single, frequencies)
    if records < FEWEST_RECORDS:
        return Model(design, model.settings)
    model = Model(design, model.settings, records, frequencies)
    prior = _prior(connection, design, single, records)
    settings = _settings(design, prior)
    if all(level.is_fixed for comparison in design.comparisons for level in comparison.levels):
        return Model(design, settings, records, frequencies)
    # by the hash of its name: the same records whatever their order
    connection.execute(f"""
    create or replace temp table linkage_sample as
    select * from {single} order by sha256(cast(node as varchar) || '{SEED}'), node limit {SAMPLE}""")
    with _linker(connection, model, "linkage_sample", settings) as linker:
        linker.training.estimate_u_using_random_sampling(max_pairs=SAMPLE**2, seed=SEED, num_chunks=1)
        settings = _merged(design, settings, linker.misc.save_model_to_json(), "u", prior)
    learnt = _maximise(connection, model, table, settings)
    connection.execute("drop table linkage_sample")
    return Model(design, settings, records, frequencies, learnt)


def _count_terms(connection: duckdb.DuckDBPyConnection, model: Model, single: str, frequencies: str) -> None:
    parts = [
        f"select {literal(column)} as column_name, {identifier(column)} as term, count(*) as occurrences "
        f"from {single} where {identifier(column)} is not null group by {identifier(column)}"
        for column in model.frequency_columns
    ]
    empty = "select cast(null as varchar) as column_name, cast(null as varchar) as term, 0 as occurrences where false"
    connection.execute(f"create or replace table {frequencies} as {' union all '.join([empty, *parts])}")


def _prior(connection: duckdb.DuckDBPyConnection, design: Design, single: str, records: int) -> float:
    """The share of pairs that are of one entity, from the pairs that the certain rules find."""
    pairs = records * (records - 1) / 2
    least = 0.1 * records / pairs
    if not design.certain:
        return 1 / records
    rules = " or ".join(f"({rule})" for rule in design.certain)
    found = " union ".join(
        f"select l.node, r.node from {single} as l join {single} as r on {rule} and l.node < r.node"
        for rule in design.certain
    )
    counted = connection.execute(f"select count(*) from ({found})").fetchone() if rules else None
    return min(max((counted[0] if counted else 0) / CERTAIN_RECALL / pairs, least), 0.01)


def _maximise(
    connection: duckdb.DuckDBPyConnection, model: Model, table: str, settings: dict[str, Any]
) -> tuple[str, ...]:
    """Expectation maximisation over each training rule with pairs enough; changes `settings`."""
    learnt: list[str] = []
    for rule in model.design.training:
        counted = connection.execute(
            f"select count(*) from (select 1 from {table} as l join {table} as r on {rule} and l.node < r.node "
            f"limit {FEWEST_PAIRS})"
        ).fetchone()
        if counted is None or counted[0] < FEWEST_PAIRS:
            continue
        with _linker(connection, model, table, settings) as linker:
            from splink.internals.exceptions import EMTrainingException

            try:
                linker.training.estimate_parameters_using_expectation_maximisation(
                    rule, estimate_without_term_frequencies=True, max_pairs=MOST_PAIRS, record_sample_proportion=1.0
                )
            except EMTrainingException:
                continue  # nothing to learn from: every comparison stands in the rule, or no value varies
            prior = settings["probability_two_random_records_match"]
            settings |= _merged(model.design, settings, linker.misc.save_model_to_json(), "m", prior)
            learnt.append(rule)
    return tuple(learnt)


def _merged(
    design: Design, settings: dict[str, Any], trained: dict[str, Any], kind: str, prior: float
) -> dict[str, Any]:
    """The settings with what was learnt, as far from the values set by hand as is allowed.

    The sample of strangers holds undetected doubles: of an agreement that is rare among strangers they are most of
    what is seen. Their share is taken off, and a value set by hand is the least that is believed.
    """
    result = json.loads(json.dumps(settings))
    key = f"{kind}_probability"
    for comparison, own, learnt in zip(design.comparisons, result["comparisons"], trained["comparisons"], strict=True):
        for level, mine, seen in zip(
            comparison.levels, own["comparison_levels"][1:], learnt["comparison_levels"][1:], strict=True
        ):
            value = seen.get(key)
            if level.is_fixed or not isinstance(value, float):
                continue
            if kind == "u":
                value = (value - prior * level.m) / (1 - prior)
            furthest, by_hand_ = FURTHEST[kind], getattr(level, kind)
            value = min(max(value, by_hand_ / furthest), by_hand_ * furthest, 0.999)
            mine[key] = _rounded(value)
    return result  # type: ignore[no-any-return]


def _rounded(value: float) -> float:
    """To so many digits that the order of a sum does not show."""
    if value <= 0:
        return 1e-9
    return round(value, SIGNIFICANT - 1 - math.floor(math.log10(value)))


# ---- why


def waterfall(connection: duckdb.DuckDBPyConnection, entity: str, left: str, right: str) -> list[dict[str, Any]]:
    """`waterfall_of` two records by the saved model of an entity; empty when either is not known.

    Args:
        entity: contact or account, of identity.models.
        left, right: identity keys, such as `crm|contacts|17`.
    """
    kept = connection.execute("select model, compared from identity.models where entity = ?", [entity]).fetchone()
    return waterfall_of(connection, Model.from_json(kept[0]), kept[1], left, right) if kept else []


def waterfall_of(
    connection: duckdb.DuckDBPyConnection, model: Model, table: str, left: str, right: str
) -> list[dict[str, Any]]:
    """What the score of two records is made of: the prior, a row for each comparison, and the sum.

    Returns:
        rows with `step`, `says` (in words, None when unknown), `weight` (log2 of the odds), `probability` so far.
    """
    settings = {**model.settings, "retain_matching_columns": True, "retain_intermediate_calculation_columns": True}
    connection.execute(
        f"create or replace temp table linkage_pair as from {table} where node in ({literal(left)}, {literal(right)})"
    )
    with _linker(connection, model, "linkage_pair", settings) as linker:
        blocked = connection.sql(
            "select '0' as match_key, min(node) as join_key_l, max(node) as join_key_r from linkage_pair "
            "having count(distinct node) = 2"
        )
        linker.table_management.register_blocked_pairs_for_predict(linker.register_relation(blocked))
        found = linker.inference.predict(warning_mode="never").as_record_list()
    connection.execute("drop table linkage_pair")
    if not found:
        return []
    row = found[0]
    rows: list[dict[str, Any]] = [{"step": "prior", "says": "two records at random", "weight": model.prior}]
    for comparison in model.design.comparisons:
        weight = row[f"mw_{comparison.name}"] + row.get(f"mw_tf_adj_{comparison.name}", 0.0)
        says = comparison.label(row[f"gamma_{comparison.name}"])
        rows.append({"step": comparison.name, "says": says, "weight": weight})
    total = 0.0
    for each in rows:
        total += each["weight"]
        each["probability"] = 1 / (1 + 2**-total)
    rows.append({"step": "sum", "says": None, "weight": total, "probability": 1 / (1 + 2**-total)})
    return rows
