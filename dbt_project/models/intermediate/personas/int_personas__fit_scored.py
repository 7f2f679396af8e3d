"""How likely each account is to buy, with the points that say so and the tests: one row per account of the market."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import fit_scored
    from persona_warehouse.transform.relations import as_arrow, as_result

    facts = dbt.ref("int_personas__facts").filter("in_fit")
    return as_result(session, fit_scored(as_arrow(facts), as_arrow(dbt.ref("int_personas__accounts"))))
