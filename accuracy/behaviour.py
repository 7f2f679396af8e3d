"""What people do on the website: sessions, content types, what people come for, topic episodes, against the truth."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from accuracy.measures import Found, measure, share_right
from persona_warehouse.simulate.words import PRODUCTS

# a session of the truth and ours that begins at the same moment on the same browser
SESSIONS = """
    select t.*, o.session_key, o.ended_at as our_ended_at, o.event_count as our_event_count
    from truth_files.truth.sessions as t
    left join (
        select anonymous_id, session_key, timezone('UTC', min(occurred_at)) as started_at,
            timezone('UTC', max(occurred_at)) as ended_at, count(*) as event_count
        from intermediate.int_website__events_sessionized group by anonymous_id, session_key
    ) as o on o.anonymous_id = t.anonymous_id and o.started_at = t.started_at"""
# accounts that are one company of the truth
COMPANIES = """
    select i.account_id, min(d.company_id) as company_id
    from truth_files.truth.identities as d
    join identity.companies as i
        on i.source_system = 'crm' and i.source_object = 'companies' and i.source_id = d.source_id
    where d.source_object = 'companies'
    group by i.account_id having count(distinct d.company_id) = 1"""
# the manuals of the sample world stand for support, as those of the systematic list do
SAME_TYPE = "coalesce(c.systematic_content, c.content_type) = t.content_type"
# an episode is found when it and ours have at least half of their common time in common
OVERLAP = 0.5


@measure("sessions", share_right, accuracy=1.0)
def sessions(connection: duckdb.DuckDBPyConnection) -> Found:
    """Sessions with the beginning, the end and the number of events of the truth."""
    ((count, right),) = connection.execute(
        f"""select count(*), count_if(our_ended_at = ended_at and our_event_count = event_count)
            from ({SESSIONS})"""
    ).fetchall()
    return Found({"all": count, "right": right})


@measure("content types of pages", share_right, accuracy=0.9)
def content_types(connection: duckdb.DuckDBPyConnection) -> Found:
    """Pages of the sample site with the content type of the truth."""
    ((count, right),) = connection.execute(
        f"""select count(*), count_if({SAME_TYPE})
            from truth_files.truth.pages as t
            join intermediate.int_content__classified as x on x.content_kind = 'page' and x.content_id = t.path
            left join seeds.content_types as c on c.content_type = x.content_type"""
    ).fetchall()
    return Found({"all": count, "right": right})


def _f1(counts: Mapping[str, int]) -> dict[str, float]:
    """F1 of each driver, their mean, and the share of sub-drivers that are right."""
    scores = {}
    for driver in ("work", "learning"):
        scores[f"f1 {driver}"] = (
            2 * counts[f"right {driver}"] / ((counts[f"so {driver}"] + counts[f"said {driver}"]) or 1)
        )
    return {
        "f1": (scores["f1 work"] + scores["f1 learning"]) / 2,
        **scores,
        "sub-driver": counts["right sub-driver"] / (counts["so work"] + counts["so learning"] or 1),
    }


@measure("what people come for", _f1, f1=0.85)
def drivers(connection: duckdb.DuckDBPyConnection) -> Found:
    """Sessions of persons and passers-by, those that are for nothing too: to say work of them is wrong."""
    ((*numbers,),) = connection.execute(
        f"""select
                count_if(t.driver = 'work'), count_if(d.driver = 'work'),
                count_if(t.driver = 'work' and d.driver = 'work'),
                count_if(t.driver = 'learning'), count_if(d.driver = 'learning'),
                count_if(t.driver = 'learning' and d.driver = 'learning'), count_if(t.sub_driver = d.sub_driver)
            from ({SESSIONS}) as t
            left join intermediate.int_website__sessions_driven as d using (session_key)
            where t.kind in ('person', 'visitor')"""
    ).fetchall()
    names = (
        "so work", "said work", "right work", "so learning", "said learning", "right learning", "right sub-driver",
    )  # fmt: skip
    return Found(dict(zip(names, numbers, strict=True)))


def _matched(counts: Mapping[str, int]) -> dict[str, float]:
    return {
        "matched": counts["matched"] / (counts["seen"] or 1),
        "matched of two visits or more": counts["matched more"] / (counts["seen more"] or 1),
        "precision": counts["matched"] / (counts["ours"] or 1),
        "precision of two visits or more": counts["matched ours more"] / (counts["ours more"] or 1),
        "driver": counts["driver"] / (counts["matched"] or 1),
        "pattern": counts["pattern"] / (counts["matched"] or 1),
    }


@measure("topic episodes", _matched, matched=0.85)
def episodes(connection: duckdb.DuckDBPyConnection) -> Found:
    """Episodes of accounts that are one company, as far as a visit on their topic came from a browser that somebody is
    known on: what anonymous browsers did is nobody's."""
    names = ", ".join(f"('{product.slug}', '{product.name}')" for product in PRODUCTS)
    ((*numbers,),) = connection.execute(
        f"""with companies as ({COMPANIES}),
            topics (slug, topic) as (values {names}),
            seen as (
                select s.episode_id, e.pattern, e.driver, c.account_id, n.topic,
                    min(s.started_at) as since, max(s.ended_at) as until, count(*) as visits
                from truth_files.truth.sessions as s
                join truth_files.truth.episodes as e on e.episode_id = s.episode_id and e.topic = s.topic
                join identity.visitors as v using (anonymous_id)
                join companies as c on c.account_id = v.account_id and c.company_id = s.company_id
                join topics as n on n.slug = s.topic
                group by all
            ),
            ours as (
                select account_id, topic, episode_number, pattern as our_pattern, driver as our_driver, session_count,
                    timezone('UTC', started_at) as our_since, timezone('UTC', ended_at) as our_until
                from marts.sourcing_episodes where account_id in (select account_id from companies)
            ),
            pairs as (
                select *, (epoch(least(until, our_until)) - epoch(greatest(since, our_since)) + 1)
                    / (epoch(greatest(until, our_until)) - epoch(least(since, our_since)) + 1) as overlap
                from seen join ours using (account_id, topic)
            ),
            matched as (select * from pairs where overlap > {OVERLAP})
            select (select count(*) from seen), (select count(*) from matched),
                (select count(*) from seen where visits > 1), (select count(*) from matched where visits > 1),
                (select count(*) from ours), (select count(*) from ours where session_count > 1),
                (select count(*) from matched where session_count > 1),
                (select count_if(driver = our_driver) from matched),
                (select count_if(pattern = our_pattern) from matched)"""
    ).fetchall()
    keys = (
        "seen",
        "matched",
        "seen more",
        "matched more",
        "ours",
        "ours more",
        "matched ours more",
        "driver",
        "pattern",
    )
    return Found(dict(zip(keys, numbers, strict=True)))
