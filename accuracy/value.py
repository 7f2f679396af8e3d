"""What customers are worth: our score, rank and tier against the truth's."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from accuracy.measures import Found, measure

SCALE = 1_000_000
TOP = 10


def _agreement(counts: Mapping[str, int]) -> dict[str, float]:
    """Rank correlations are means over worlds, weighed by customers; the others are shares."""
    customers = counts["customers"] or 1
    return {
        "spearman of the tier score": counts["tier correlation"] / SCALE / customers,
        "spearman of the best": counts["best correlation"] / SCALE / customers,
        "tier": counts["same tier"] / customers,
        "top ten": counts["shared top"] / (counts["top"] or 1),
    }


@measure(
    "value of customers",
    _agreement,
    **{"spearman of the tier score": 0.9, "spearman of the best": 0.9, "tier": 0.8, "top ten": 0.8},
)
def value(connection: duckdb.DuckDBPyConnection) -> Found:
    """Customers whose account is one company of the truth; Spearman's rank correlation with ties at their mean."""
    found = connection.execute(f"""
        with companies as (
            select i.account_id, min(d.company_id) as company_id
            from truth_files.truth.identities as d
            join identity.companies as i
                on i.source_system = 'crm' and i.source_object = 'companies' and i.source_id = d.source_id
            where d.source_object = 'companies'
            group by i.account_id having count(distinct d.company_id) = 1
        ),
        placed as (
            select t.tier, a.tier as our_tier, t.value_rank, b.rank_number,
                rank() over (order by t.value_score) + count(*) over (partition by t.value_score) / 2 as so,
                rank() over (order by a.tier_score) + count(*) over (partition by a.tier_score) / 2 as by_tier,
                rank() over (order by b.score) + count(*) over (partition by b.score) / 2 as by_best
            from companies join truth_files.truth.customers as t using (company_id)
            join marts.accounts as a using (account_id)
            join marts.best_customers as b using (account_id)
        )
        select count(*), corr(so, by_tier), corr(so, by_best), count_if(tier = our_tier),
            count_if(value_rank <= {TOP} and rank_number <= {TOP}), least(count(*), {TOP})
        from placed""").fetchall()
    ((customers, by_tier, by_best, same, shared, top),) = found
    return Found(
        {
            "customers": customers,
            "tier correlation": round((by_tier or 0) * SCALE) * customers,
            "best correlation": round((by_best or 0) * SCALE) * customers,
            "same tier": same,
            "shared top": shared,
            "top": top,
        }
    )
