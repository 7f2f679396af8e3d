"""To which persona each account belongs, by latent classes: one row per account of the market."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import memberships
    from persona_warehouse.transform.relations import as_arrow, as_result

    facts = dbt.ref("int_personas__facts").filter("in_personas")
    return as_result(session, memberships(as_arrow(facts), as_arrow(dbt.ref("int_personas__accounts"))))
