"""How likely each account is to buy, with the points that say so and the tests: one row per account of the market."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import fit_scored

    facts = dbt.ref("int_personas__facts").filter("in_fit")
    return fit_scored(facts.to_arrow_table(), dbt.ref("int_personas__accounts").to_arrow_table())
