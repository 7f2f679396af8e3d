"""Who people are at work: seniority, function, department, their part in a decision."""

from __future__ import annotations

import duckdb

from accuracy.labels import compared, scores
from accuracy.measures import Found, measure

# contacts whose records are one person of the truth, with the tag that was chosen of each kind
PEOPLE = """
    select c.*, t.seniority as true_seniority, t.job_function as true_function, t.department as true_department,
        t.decision_role as true_role, t.job_title as true_title
    from (
        select i.contact_id, min(d.person_id) as person_id
        from truth_files.truth.identities as d
        join identity.people as i
            on i.source_system = d.source_system and i.source_object = d.source_object and i.source_id = d.source_id
        where d.person_id is not null
        group by i.contact_id having count(distinct d.person_id) = 1
    )
    join marts.contacts as c using (contact_id)
    join truth_files.truth.people as t using (person_id)
"""

# the truth's words for functions and departments, in ours; what has no word of ours stands as it is
FUNCTIONS = """(values ('it', 'information_technology'), ('executive', 'general_management'),
    ('procurement', 'purchasing')) as f (theirs, ours)"""
DEPARTMENTS = """(values ('信息部', 'information_technology'), ('总经办', 'executive_office'), ('运营部', 'operations'),
    ('采购部', 'purchasing'), ('供应链部', 'supply_chain'), ('财务部', 'finance'), ('法务部', 'legal'),
    ('市场部', 'marketing'), ('销售部', 'sales'), ('质量部', 'quality'), ('生产部', 'production')
) as d (theirs, ours)"""


def _of_people(
    connection: duckdb.DuckDBPyConnection,
    tag_type: str,
    said: str,
    so: str,
    evident: str = "p.job_title is not null",
) -> Found:
    return compared(
        connection,
        f"""select {so} as so, {said} as said, coalesce(p.job_title, 'no title') as shown, s.confidence as stated,
                {evident} as evident
            from ({PEOPLE}) as p
            left join (
                select contact_id, max(tag_confidence) as confidence from marts.contact_role_tags
                where tag_type = '{tag_type}' and is_selected group by contact_id
            ) as s using (contact_id)
            left join {FUNCTIONS} on f.theirs = p.true_function
            left join {DEPARTMENTS} on d.theirs = p.true_department""",
    )


@measure("seniority", scores, accuracy=0.95)
def seniority(connection: duckdb.DuckDBPyConnection) -> Found:
    """Of people whose title a source tells; a title that is not theirs any more counts as wrong."""
    ours = "case when p.job_title is not null then p.seniority end"
    return _of_people(connection, "seniority", ours, "true_seniority")


@measure("function", scores, accuracy=0.95)
def function(connection: duckdb.DuckDBPyConnection) -> Found:
    """Of people whose title a source tells; the truth has one function for supply chain and logistics."""
    ours = "case when p.job_title is not null then replace(p.job_function, 'logistics', 'supply_chain') end"
    return _of_people(connection, "job_function", ours, "coalesce(f.ours, true_function)")


@measure("department", scores)
def department(connection: duckdb.DuckDBPyConnection) -> Found:
    """Of people whose title or department a source tells."""
    return _of_people(connection, "department", "p.department", "coalesce(d.ours, true_department)")


_HAS = """exists (
    select 1 from marts.contact_role_tags as k
    where k.contact_id = p.contact_id and k.tag_type = 'decision_role' and k.method {} 'behaviour'
)"""
TOLD, BEHAVED = _HAS.format("<>"), _HAS.format("=")


@measure("decision role", scores, **{"macro-F1": 0.80})
def decision_role(connection: duckdb.DuckDBPyConnection) -> Found:
    """Final, adviser or user. Evidence is a title that tells one, a recorded role, an interview."""
    so = f"case when {TOLD} or not {BEHAVED} then true_role end"
    return _of_people(connection, "decision_role", "p.decision_role", so, TOLD)


@measure("decision role of whom only behaviour is known", scores)
def decision_role_by_behaviour(connection: duckdb.DuckDBPyConnection) -> Found:
    """Pages and activities alone: of how many people a role is said, and how often it is right."""
    so = f"case when {BEHAVED} and not {TOLD} then true_role end"
    return _of_people(connection, "decision_role", "p.decision_role", so, "true")
