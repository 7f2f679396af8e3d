"""Where accounts stand on their journey: our stage on any day and our days of entry against the truth's."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from accuracy.measures import Found, measure

DAYS_DRAWN = 20
DAYS_OFF = 3


def _agreement(counts: Mapping[str, int]) -> dict[str, float]:
    """Shares of the days drawn, and of the entries that follow an account's first evidence."""
    return {
        "stage on a random day": counts["right days"] / (counts["days"] or 1),
        "entry within three days": counts["entries in time"] / (counts["entries"] or 1),
        "entries that are so": counts["our entries that are so"] / (counts["our entries"] or 1),
        "back moves": counts["back moves found"] / (counts["back moves"] or 1),
        "reason of leaving": counts["right reasons"] / (counts["reasons"] or 1),
    }


@measure(
    "journeys",
    _agreement,
    **{"stage on a random day": 0.9, "entry within three days": 0.85, "entries that are so": 0.85},
)
def journeys(connection: duckdb.DuckDBPyConnection) -> Found:
    """Accounts that are one company of the truth and have evidence, from their first evidence to the night's date.

    A day on which the truth knows no stage yet, and an entry that we do not have, are wrong. Entries are matched by
    their stage and by how often the stage had been entered.
    """
    connection.execute(f"""
        create or replace temp table journeys_ours as
        with companies as (
            select i.account_id, min(d.company_id) as company_id
            from truth_files.truth.identities as d
            join identity.companies as i
                on i.source_system = 'crm' and i.source_object = 'companies' and i.source_id = d.source_id
            where d.source_object = 'companies'
            group by i.account_id having count(distinct d.company_id) = 1
        )
        select company_id, stage, valid_from, valid_to, is_back_move, reason,
            row_number() over (partition by company_id, stage order by entry_number) as place,
            min(valid_from) over (partition by company_id) as known_from
        from marts.journey_stages join companies using (account_id);
        create or replace temp table journeys_truth as
        select company_id, stage, entered_on, is_back_move,
            lead(entered_on) over (partition by company_id order by entry_number) as left_on,
            row_number() over (partition by company_id, stage order by entry_number) as place
        from truth_files.truth.stages;
        create or replace temp table journeys_days as
        with ends as (select max(valid_from) as last_day from marts.journey_stages)
        select c.company_id,
            cast(c.known_from + cast(hash(c.company_id, n.i) % (e.last_day - c.known_from + 1) as integer) as date)
                as day
        from (select distinct company_id, known_from from journeys_ours) as c, ends as e, range({DAYS_DRAWN}) as n(i)
    """)
    ((days, right),) = connection.execute("""
        select count(*), count_if(o.stage = t.stage)
        from journeys_days as d
        left join journeys_ours as o
            on o.company_id = d.company_id and o.valid_from <= d.day and (o.valid_to > d.day or o.valid_to is null)
        left join journeys_truth as t
            on t.company_id = d.company_id and t.entered_on <= d.day and (t.left_on > d.day or t.left_on is null)
    """).fetchall()
    entries, in_time, back, back_found = connection.execute(f"""
        select count(*), count_if(abs(o.valid_from - t.entered_on) <= {DAYS_OFF}), count_if(t.is_back_move),
            count_if(t.is_back_move and o.is_back_move)
        from journeys_truth as t
        join (select distinct company_id, known_from from journeys_ours) as k
            on k.company_id = t.company_id and t.entered_on >= k.known_from
        left join journeys_ours as o on o.company_id = t.company_id and o.stage = t.stage and o.place = t.place
    """).fetchall()[0]
    ours, so = connection.execute("""
        select count(*), count(t.stage) from journeys_ours as o
        left join journeys_truth as t on o.company_id = t.company_id and o.stage = t.stage and o.place = t.place
    """).fetchall()[0]
    reasons, right_reasons = connection.execute("""
        with lost as (
            select company_id, max_by(reason, closed_on) as reason from truth_files.truth.deals
            where pipeline = '续约' and is_closed and not is_won group by company_id
        ),
        codes as (
            select l.company_id, (select r.reason from seeds.closing_reasons as r
                where regexp_matches(l.reason, r.words) order by r.priority limit 1) as reason
            from lost as l where l.reason is not null
        )
        select count(*), count_if(o.reason = c.reason)
        from journeys_ours as o join codes as c using (company_id)
        where o.stage = 'churn' and o.reason is not null
    """).fetchall()[0]
    return Found(
        {
            "days": days,
            "right days": right,
            "entries": entries,
            "entries in time": in_time,
            "our entries": ours,
            "our entries that are so": so,
            "back moves": back,
            "back moves found": back_found,
            "reasons": reasons,
            "right reasons": right_reasons,
        }
    )


@measure(
    "lead stages",
    lambda counts: {
        "entry within three days": counts["in time"] / (counts["entries"] or 1),
        "stages found": counts["found"] / (counts["entries"] or 1),
    },
    **{"entry within three days": 0.85, "stages found": 0.9},
)
def leads(connection: duckdb.DuckDBPyConnection) -> Found:
    """First entries of the truth's lead records, for the leads that were not merged into another."""
    ((entries, found, in_time),) = connection.execute(f"""
        with ours as (
            select substring(lead_id, 6) as lead_id, stage,
                cast(timezone('Asia/Shanghai', min(entered_at)) as date) as day
            from marts.lead_stages where origin = 'lead' group by all
        )
        select count(*), count(o.stage), count_if(abs(o.day - t.entered_on) <= {DAYS_OFF})
        from truth_files.truth.lead_stages as t
        semi join ours as k on k.lead_id = t.lead_id
        left join ours as o on o.lead_id = t.lead_id and o.stage = t.stage""").fetchall()
    return Found({"entries": entries, "found": found, "in time": in_time})
