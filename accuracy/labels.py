"""Labels: how often the right one is said, by class, with the worst confusions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import duckdb

from accuracy.measures import Bin, Found

EXAMPLES = 8
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0001)
NO_EVIDENCE, EVIDENT, SAID, RIGHT = "no evidence", "with evidence", "labelled", "right"
MARK = "|"  # between a class and what is counted of it
Z_95 = 1.959963984540054


def compared(connection: duckdb.DuckDBPyConnection, query: str) -> Found:
    """Counts a query's rows. Of what there is no evidence at all is counted apart; where there is some and nothing is
    said, that is a miss of the class.

    Args:
        query: columns `so` (the truth), `said` (ours, null where nothing is said), `shown` (what it was read from),
            `stated` (our confidence, or null) and `evident` (whether anything speaks for any label).
    """
    rows = connection.execute(
        f"""select so::varchar, said::varchar, mode(shown order by shown), count(*)
            from ({query}) where so is not null and (evident or said is not null)
            group by all order by count(*) desc, 1, 2"""
    ).fetchall()
    ((without,),) = connection.execute(
        f"select count(*) from ({query}) where so is not null and not evident and said is null"
    ).fetchall()
    counts: Counter[str] = Counter({NO_EVIDENCE: without, EVIDENT: 0, SAID: 0, RIGHT: 0})
    for so, said, _, n in rows:
        counts[EVIDENT] += n
        counts[f"{so}{MARK}so"] += n
        if said is None:
            continue
        counts[SAID] += n
        counts[f"{said}{MARK}said"] += n
        if so == said:
            counts[RIGHT] += n
            counts[f"{so}{MARK}right"] += n
    confusions = [f"{so} → {said or 'nothing said'}: {n}, such as {shown}" for so, said, shown, n in rows if said != so]
    return Found(dict(counts), tuple(confusions[:EXAMPLES]), _bins(connection, query))


def scores(counts: Mapping[str, int]) -> dict[str, float]:
    """Accuracy where there is evidence, with its 95 % interval (Wilson), the share of it of which a label is said, how
    many of these are right, and the mean F1 of the classes that exist."""
    evident, said, right = counts[EVIDENT], counts[SAID], counts[RIGHT]
    low, high = _wilson(right, evident)
    return {
        "accuracy": right / evident if evident else 1.0,
        "from": low,
        "to": high,
        "said": said / evident if evident else 0.0,
        "right of said": right / said if said else 1.0,
        "macro-F1": macro_f1(counts),
    }


def macro_f1(counts: Mapping[str, int]) -> float:
    """The mean of the classes' F1, each weighing the same; classes that the truth does not hold are left out."""
    found = [f1 for *_, f1 in classes(counts)]
    return sum(found) / len(found) if found else 1.0


def classes(counts: Mapping[str, int]) -> list[tuple[str, int, float, float, float]]:
    """Class, how many there are, precision, recall, F1; the most frequent first."""
    names = {key.rpartition(MARK)[0] for key in counts if key.endswith(f"{MARK}so")}
    found = []
    for name in names:
        so, said, right = (counts.get(f"{name}{MARK}{kind}", 0) for kind in ("so", "said", "right"))
        if so:
            precision, recall = right / said if said else 0.0, right / so
            found.append((name, so, precision, recall, 2 * right / (said + so)))
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _bins(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Bin, ...]:
    bins: Sequence[tuple[int, int, int, float]] = connection.execute(
        f"""select list_count(list_filter({list(EDGES)}, edge -> edge <= stated)) as bin, count(*),
                count_if(so::varchar = said::varchar), sum(stated::double)
            from ({query}) where so is not null and said is not null and stated is not null
            group by bin order by bin"""
    ).fetchall()
    return tuple(Bin(EDGES[at - 1], min(EDGES[at], 1.0), n, right, stated) for at, n, right, stated in bins)


def _wilson(right: int, n: int) -> tuple[float, float]:
    if not n:
        return 0.0, 1.0
    share, z = right / n, Z_95
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))
