"""What distinguishes the best customers, and each persona: one row per persona, attribute and value."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import traits_tested

    facts = dbt.ref("int_personas__facts").filter("in_traits")
    return traits_tested(
        facts.to_arrow_table(),
        dbt.ref("int_personas__accounts").to_arrow_table(),
        dbt.ref("int_personas__memberships").to_arrow_table(),
    )
