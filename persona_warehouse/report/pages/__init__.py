"""The pages of the report after the index, in the order of the menu; a page is a module with a `PAGE`."""

from persona_warehouse.report.pages import customers, decisions, journeys, operations, people

PAGES = (people.PAGE, customers.PAGE, journeys.PAGE, decisions.PAGE, operations.PAGE)
