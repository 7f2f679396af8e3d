"""Two releases' personas side by side.

Personas have numbers, and numbers change hands from night to night: a persona is found again by the accounts that it
shares with one of the other release. Every share that both releases tell is tested by R. A. Fisher's (1935) exact test
of two proportions, all tests together by Y. Benjamini and Y. Hochberg (1995). Both releases mostly look at the same
accounts; the test takes them for different ones, so that what is said to have changed has surely changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from scipy import stats

from persona_warehouse.errors import ConfigError
from persona_warehouse.personas.thresholds import threshold
from persona_warehouse.personas.traits import benjamini_hochberg
from persona_warehouse.publish import Release
from persona_warehouse.warehouse import literal, scratch

MARTS = ("accounts", "icp_personas", "icp_persona_shares", "icp_traits", "win_rates_by_prior_solution")
# C. Hennig (2007): a group of which less is found again is dissolved
SAME_PERSONA = 0.5


@dataclass(frozen=True)
class Match:
    """A persona of the older release and its like in the newer one; None where there is none.

    Attributes:
        overlap: Jaccard similarity of their accounts, over accounts that both releases have.
    """

    before: str | None
    after: str | None
    name_before: str | None
    name_after: str | None
    accounts_before: int
    accounts_after: int
    overlap: float | None


@dataclass(frozen=True)
class Change:
    """A share in both releases.

    Attributes:
        about: the persona by its id in the newer release, or `deals`.
        what: the share, as `customers`, `goal = cut_cost`, `won after competitor`.
        p_adjusted: of all shares compared.
        is_more_than_noise: p_adjusted is at most trait_fdr.
        said: whether it distinguished the persona before, and after; None for what is no trait.
    """

    about: str
    what: str
    k_before: int
    n_before: int
    k_after: int
    n_after: int
    p: float
    p_adjusted: float
    is_more_than_noise: bool
    said: tuple[bool, bool] | None = None

    @property
    def difference(self) -> float:
        return self.k_after / self.n_after - self.k_before / self.n_before


@dataclass(frozen=True)
class Comparison:
    """What changed.

    Attributes:
        changes: every share compared, the surest change first.
        unsaid: reasons in either release why nothing can be known of a card.
    """

    matches: tuple[Match, ...]
    changes: tuple[Change, ...]
    unsaid: tuple[tuple[str, str, str], ...]

    @property
    def sure(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.is_more_than_noise)

    @property
    def is_same_set(self) -> bool:
        """Whether every persona was found again."""
        return all(match.before is not None and match.after is not None for match in self.matches)


def compare(before: Release, after: Release) -> Comparison:
    """Compares the personas of two releases, the older one first.

    Raises:
        ConfigError: a release is from before personas were marts, or was made without them.
    """
    for release in (before, after):
        missing = [name for name in MARTS if f"marts.{name}" not in release.manifest["tables"]]
        if missing:
            raise ConfigError(
                "the release holds no personas to compare",
                file=str(release.path),
                expected="the marts " + ", ".join(MARTS),
                found="no " + ", ".join(missing),
                remedy="name a release that a night of this version published; see `persona releases list`",
            )
    with scratch() as connection:
        for name, release in (("before", before), ("after", after)):
            for mart in MARTS:
                file = release.path / "marts" / f"{mart}.parquet"
                connection.execute(f"create view {name}_{mart} as from read_parquet({literal(file)})")
        return compare_views(connection)


def compare_views(connection: duckdb.DuckDBPyConnection) -> Comparison:
    """Compares the views before_<mart> and after_<mart> of MARTS."""
    matches = _matches(connection)
    pairs = [("customers", "customers"), ("best", "best")]
    pairs += [(m.before, m.after) for m in matches if m.before is not None and m.after is not None]
    connection.register("pairs", pa.table({"b": [b for b, _ in pairs], "a": [a for _, a in pairs]}))
    counted = connection.execute(COUNTED, {"least": threshold("min_cell_customers")}).fetchall()
    connection.unregister("pairs")
    return Comparison(matches, _tested(counted), tuple(connection.execute(UNSAID).fetchall()))


COUNTED = """
with facets as (
    select persona_id, facet, max(n) as n from before_icp_persona_shares group by all
),
later_facets as (
    select persona_id, facet, max(n) as n from after_icp_persona_shares group by all
),
-- a value that one release does not have stands at nought of those that are known there
named as (
    select distinct p.b, p.a, s.facet, s.value
    from pairs as p
    join (from before_icp_persona_shares union all by name from after_icp_persona_shares) as s
        on true
    where exists (select 1 from before_icp_persona_shares as o where o.persona_id = p.b and o.facet = s.facet)
        and exists (select 1 from after_icp_persona_shares as o where o.persona_id = p.a and o.facet = s.facet)
        and s.persona_id in (p.a, p.b)
),
shares as (
    select n.a as about, n.facet || ' = ' || n.value as what,
        coalesce(b.k, 0) as kb, f.n as nb, coalesce(a.k, 0) as ka, l.n as na, null::boolean as sb, null::boolean as sa
    from named as n
    join facets as f on f.persona_id = n.b and f.facet = n.facet
    join later_facets as l on l.persona_id = n.a and l.facet = n.facet
    left join before_icp_persona_shares as b on b.persona_id = n.b and b.facet = n.facet and b.value = n.value
    left join after_icp_persona_shares as a on a.persona_id = n.a and a.facet = n.facet and a.value = n.value
    -- what is a trait as well is compared as a trait
    where not exists (
        select 1 from after_icp_traits as t
        join before_icp_traits as u on u.persona_id = n.b and u.attribute = t.attribute and u.value = t.value
        where t.persona_id = n.a and t.attribute = n.facet and t.value = n.value
    )
),
traits as (
    select p.a, a.attribute || ' = ' || a.value, b.best_k, b.best_n, a.best_k, a.best_n,
        b.is_distinguishing, a.is_distinguishing
    from pairs as p
    join before_icp_traits as b on b.persona_id = p.b and b.tested_as = 'value'
    join after_icp_traits as a on a.persona_id = p.a and a.attribute = b.attribute and a.value = b.value
),
rates as (
    select p.a, 'customers among its accounts', b.customer_count, b.account_count, a.customer_count, a.account_count,
        null, null
    from pairs as p
    join before_icp_personas as b on b.persona_id = p.b and b.kind = 'persona'
    join after_icp_personas as a on a.persona_id = p.a
),
wins as (
    select 'deals', 'won after ' || a.prior_solution, b.wins, b.n, a.wins, a.n, null, null
    from before_win_rates_by_prior_solution as b
    join after_win_rates_by_prior_solution as a using (level, prior_solution, product)
    where level <> 'product'
),
every as (
    from shares union all from traits union all from rates union all from wins
)
select about, what, kb, nb, ka, na, sb, sa from every
where least(nb, na) >= $least order by about, what
"""

UNSAID = """
select 'before' as release, name_en, reason from before_icp_personas where reason is not null
union all select 'after', name_en, reason from after_icp_personas where reason is not null
order by release desc, name_en
"""


def _matches(connection: duckdb.DuckDBPyConnection) -> tuple[Match, ...]:
    """Each persona with its like, the most alike first; whoever stays is gone or new."""
    overlaps = connection.execute("""
        with shared as (
            select b.icp_persona_id as b, a.icp_persona_id as a
            from before_accounts as b join after_accounts as a using (account_id)
        )
        select b, a, count(*) as n from shared group by all order by all""").fetchall()
    cards = {
        side: {row[0]: row[1:] for row in connection.execute(
            f"select persona_id, name_en, account_count from {side}_icp_personas where kind = 'persona'"
        ).fetchall()}
        for side in ("before", "after")
    }  # fmt: skip
    sizes_before: dict[str, int] = {}
    sizes_after: dict[str, int] = {}
    for b, a, n in overlaps:
        sizes_before[b] = sizes_before.get(b, 0) + n
        sizes_after[a] = sizes_after.get(a, 0) + n
    alike = sorted(
        (
            (n / (sizes_before[b] + sizes_after[a] - n), b, a)
            for b, a, n in overlaps
            if b in cards["before"] and a in cards["after"]
        ),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    given: dict[str, tuple[str, float]] = {}
    for overlap, b, a in alike:
        if overlap >= SAME_PERSONA and b not in given and a not in {taken for taken, _ in given.values()}:
            given[b] = (a, overlap)

    def match(b: str | None, a: str | None, overlap: float | None) -> Match:
        old = cards["before"][b] if b is not None else (None, 0)
        new = cards["after"][a] if a is not None else (None, 0)
        return Match(b, a, old[0], new[0], old[1], new[1], overlap)

    found = [match(b, *given.get(b, (None, None))) for b in sorted(cards["before"])]
    taken = {a for a, _ in given.values()}
    return tuple(found + [match(None, a, None) for a in sorted(cards["after"]) if a not in taken])


def _tested(counted: list[tuple[str, str, int, int, int, int, bool | None, bool | None]]) -> tuple[Change, ...]:
    p = np.array([stats.fisher_exact([[kb, nb - kb], [ka, na - ka]])[1] for _, _, kb, nb, ka, na, _, _ in counted])
    adjusted = benjamini_hochberg(p)
    level = threshold("trait_fdr")
    found = [
        Change(
            about, what, kb, nb, ka, na, float(one), float(least), bool(least <= level),
            None if sb is None or sa is None else (sb, sa),
        )
        for (about, what, kb, nb, ka, na, sb, sa), one, least in zip(counted, p, adjusted, strict=True)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.p, -abs(one.difference), one.about, one.what)))
