"""Bots by user agent, with the kept library crawlerdetect: one row per user agent."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.user_agents import classify

    agents = dbt.ref("stg_website__events").filter("user_agent is not null").project("user_agent").distinct()
    return classify(sorted(row[0] for row in agents.fetchall()))
