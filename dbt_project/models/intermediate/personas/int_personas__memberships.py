"""To which persona each account belongs, by latent classes: one row per account of the market."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import memberships

    facts = dbt.ref("int_personas__facts").filter("in_personas")
    return memberships(facts.to_arrow_table(), dbt.ref("int_personas__accounts").to_arrow_table())
