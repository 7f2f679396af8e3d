"""The pages of the report after the index, in the order of the menu; a page is a module with a `PAGE`."""

from persona_warehouse.report.pages import (
    audience,
    changes,
    customers,
    decisions,
    journeys,
    operations,
    people,
    personas,
)

PAGES = (
    personas.PAGE,
    people.PAGE,
    customers.PAGE,
    journeys.PAGE,
    audience.PAGE,
    decisions.PAGE,
    operations.PAGE,
    changes.PAGE,
)
