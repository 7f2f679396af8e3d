"""What distinguishes the best customers, and each persona: one row per persona, attribute and value."""


def model(dbt, session):
    dbt.config(materialized="table")
    from persona_warehouse.personas.tables import traits_tested
    from persona_warehouse.transform.relations import as_arrow, as_result

    facts = dbt.ref("int_personas__facts").filter("in_traits")
    tested = traits_tested(
        as_arrow(facts),
        as_arrow(dbt.ref("int_personas__accounts")),
        as_arrow(dbt.ref("int_personas__memberships")),
    )
    return as_result(session, tested)
