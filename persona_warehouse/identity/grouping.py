"""Scored pairs to groups, without chains: A like B and B like C does not make A and C one.

Pairs above the threshold form components. A component without a pair that speaks against being one is a group as it
stands. In any other, members are joined pair by pair, the likeliest first, and two groups only when the evidence of
all pairs between them, on average, does not speak against it, no pair of them contradicts it and no rule keeps them
apart. Who is drawn to two groups
that stay apart, and not clearly more to one, joins neither: its odds are set against those of its rival. Components
are small, and only the doubtful ones are looked at one by one. All ties fall by the order of names, so the order of
rows never matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa

from persona_warehouse.identity.clusters import cluster

# log2 of the evidence beyond which more adds nothing, of a pair that is not one by rule, and of one nobody compared
MOST, NEVER, UNCOMPARED = 60.0, -1e6, 0.0
# evidence against two that no others outweigh: a thousand to one
CONTRADICTION = -10.0
# in a component of more members than this, pairs that the blocking did not find are not scored
MOST_MEMBERS = 60


def group(
    connection: duckdb.DuckDBPyConnection,
    nodes: str,
    pairs: str,
    apart: str,
    out: str,
    *,
    threshold: float,
    prior: float,
    score_pairs: Callable[[str, str], None],
) -> None:
    """Writes `out`(base, cluster_id), a cluster named by its first base.

    Args:
        nodes: a table (node, base); records of one base are one beforehand.
        pairs: a table (node_l, node_r, match_weight) of scored pairs.
        apart: a table (base_l, base_r) of bases that may not be one.
        threshold: the probability from which two are one.
        prior: the match weight of two of whom nothing is known; the rest of a weight is evidence.
        score_pairs: writes to its second table (node_l, node_r, match_weight, names) for the pairs of its first;
            names is 1 where they agree, -1 where they disagree, else 0, and -2 where two cannot be one whatever they
            are called. Bases of which no names agree and some disagree are never one.
    """
    least = math.log2(threshold / (1 - threshold))
    connection.execute(f"create or replace temp table group_bases as select distinct base as node from {nodes}")
    # one join after the other: together with the inequality the engine would join every base with every other
    connection.execute(f"""
    create or replace temp table group_left as
    select n.base as base_l, p.node_r, p.match_weight from {pairs} as p join {nodes} as n on n.node = p.node_l""")
    connection.execute(f"""
    create or replace temp table group_both as
    select l.base_l, n.base as base_r, l.match_weight from group_left as l join {nodes} as n on n.node = l.node_r""")
    connection.execute(f"""
    create or replace temp table group_edges as
    with vetoes as (
        select distinct least(base_l, base_r) as node_l, greatest(base_l, base_r) as node_r from {apart}
    ),
    edges as (
        select least(base_l, base_r) as node_l, greatest(base_l, base_r) as node_r, max(match_weight) as weight
        from group_both where base_l <> base_r group by all
    )
    select e.node_l, e.node_r, case when v.node_l is not null then {NEVER} else e.weight end as weight
    from edges as e left join vetoes as v using (node_l, node_r)""")
    connection.execute(f"create or replace temp table group_strong as from group_edges where weight >= {least}")
    cluster(connection, "group_bases", "group_strong", "group_components")
    _score_inside(connection, nodes, apart, score_pairs)
    connection.execute(f"""
    create or replace temp table group_doubtful as
    select distinct a.cluster_id
    from group_edges as e
    join group_components as a on a.node = e.node_l
    join group_components as b on b.node = e.node_r and b.cluster_id = a.cluster_id
    where e.weight < {prior}""")
    parts = _parted(connection, least, prior)
    connection.register("parted", parts)
    connection.execute(f"""
    create or replace temp table {out} as
    with placed as (
        select g.node as base, concat_ws('|', g.cluster_id, p.part) as cluster
        from group_components as g left join parted as p using (node)
    )
    select base, min(base) over (partition by cluster) as cluster_id from placed""")
    connection.unregister("parted")
    for table in ("bases", "left", "both", "edges", "strong", "components", "doubtful"):
        connection.execute(f"drop table group_{table}")


def _score_inside(
    connection: duckdb.DuckDBPyConnection, nodes: str, apart: str, score_pairs: Callable[[str, str], None]
) -> None:
    """Scores every pair inside of a component again, with its names, and those that no block brought together."""
    connection.execute(f"""
    create or replace temp table group_inside as
    with members as (
        select cluster_id, node, count(*) over (partition by cluster_id) as members from group_components
    )
    select least(a.node, b.node) as node_l, greatest(a.node, b.node) as node_r, l.node as base_l, r.node as base_r
    from members as l
    join members as r on r.cluster_id = l.cluster_id and l.node < r.node
    join {nodes} as a on a.base = l.node
    join {nodes} as b on b.base = r.node
    where l.members between 2 and {MOST_MEMBERS}""")
    if connection.execute("select 1 from group_inside limit 1").fetchone():
        score_pairs("group_inside", "group_scored")
        connection.execute(f"""
        create or replace temp table group_edges as
        with scored as (
            select i.base_l as node_l, i.base_r as node_r,
                   case when min(s.names) < -1 or (min(s.names) < 0 and max(s.names) <= 0) then {NEVER}
                   else max(s.match_weight) end as weight
            from group_scored as s join group_inside as i using (node_l, node_r)
            group by all
        ),
        vetoes as (select least(base_l, base_r) as node_l, greatest(base_l, base_r) as node_r from {apart})
        select s.* replace (case when v.node_l is not null then {NEVER} else s.weight end as weight)
        from scored as s left join (select distinct * from vetoes) as v using (node_l, node_r)
        union all
        select e.* from group_edges as e anti join scored as s using (node_l, node_r)""")
        connection.execute("drop table group_scored")
    connection.execute("drop table group_inside")


def _parted(connection: duckdb.DuckDBPyConnection, least: float, prior: float) -> pa.Table:
    """(node, part) of the members of doubtful components."""
    members = connection.execute(
        "select cluster_id, node from group_components semi join group_doubtful using (cluster_id) order by all"
    ).to_arrow_table()
    edges = connection.execute("""
        select a.cluster_id, e.node_l, e.node_r, e.weight
        from group_edges as e
        join group_components as a on a.node = e.node_l
        join group_components as b on b.node = e.node_r and b.cluster_id = a.cluster_id
        semi join group_doubtful as d on d.cluster_id = a.cluster_id
        order by all""").to_arrow_table()
    nodes = members["node"].to_pylist()
    if not nodes:
        return pa.table({"node": pa.array([], pa.string()), "part": pa.array([], pa.int64())})
    place = {node: at for at, node in enumerate(nodes)}
    component = np.unique(members["cluster_id"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    one = np.array([place[node] for node in edges["node_l"].to_pylist()], dtype=np.int64)
    other = np.array([place[node] for node in edges["node_r"].to_pylist()], dtype=np.int64)
    weight = edges["weight"].to_numpy()
    parts = np.zeros(len(nodes), dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, component[1:] != component[:-1]])
    stops = np.r_[starts[1:], len(nodes)]
    edge_starts, edge_stops = np.searchsorted(component[one], [np.arange(len(starts)), np.arange(len(starts)) + 1])
    for first, last, begin, end in zip(starts, stops, edge_starts, edge_stops, strict=True):
        weights = np.full((last - first, last - first), UNCOMPARED)
        i, j, w = one[begin:end] - first, other[begin:end] - first, weight[begin:end]
        weights[i, j] = weights[j, i] = np.where(w - prior <= CONTRADICTION, NEVER, np.minimum(w - prior, MOST))
        parts[first:last] = part_component(weights, least - prior, prior)
    return pa.table({"node": pa.array(nodes, pa.string()), "part": parts})


def part_component(evidence: np.ndarray, least: float, prior: float) -> np.ndarray:
    """The part of each member of a component.

    Args:
        evidence: log2 of the Bayes factor of every two; symmetric, the diagonal is not looked at.
        least: the evidence from which two are one.
        prior: log2 odds without evidence.
    """
    size = len(evidence)
    between = evidence.copy()
    np.fill_diagonal(between, 0.0)
    parts, counts = np.arange(size), np.ones(size)
    one, other = np.triu_indices(size, 1)
    strong = np.flatnonzero(evidence[one, other] >= least)
    for at in strong[np.lexsort((other[strong], one[strong], -evidence[one[strong], other[strong]]))]:
        kept, gone = sorted((parts[one[at]], parts[other[at]]))
        if kept == gone or between[kept, gone] < 0:
            continue
        between[kept] += between[gone]
        between[:, kept] += between[:, gone]
        counts[kept] += counts[gone]
        parts[parts == gone] = kept
    return _without_torn(evidence, parts, least, prior)


def _without_torn(evidence: np.ndarray, parts: np.ndarray, least: float, prior: float) -> np.ndarray:
    """Members whom another part would take as gladly are set alone."""
    np.fill_diagonal(evidence, NEVER)
    names = np.unique(parts)
    best = np.stack([evidence[:, parts == name].max(axis=1) for name in names], axis=1)
    is_own = parts[:, None] == names[None, :]
    odds = np.exp2(best + prior)
    own = np.where(is_own, odds, 0.0).sum(axis=1)
    rival = np.where(~is_own & (best >= least), odds, 0.0).sum(axis=1)
    torn = (rival > 0) & (own > 0) & (own / (1 + own + rival) < 1 / (1 + np.exp2(-(least + prior))))
    return np.where(torn, np.arange(len(parts)) + len(parts), parts)
