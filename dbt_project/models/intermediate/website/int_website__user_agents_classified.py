"""Bots by user agent, with the kept library crawlerdetect: one row per user agent."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.transform.relations import as_arrow, as_result
    from persona_warehouse.user_agents import classify

    agents = dbt.ref("stg_website__events").filter("user_agent is not null").select("user_agent").distinct()
    return as_result(session, classify(sorted(as_arrow(agents)["user_agent"].to_pylist())))
