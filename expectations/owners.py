"""Who mends what an expectation finds."""

from __future__ import annotations

from enum import StrEnum


class Owner(StrEnum):
    """The team that is asked when an expectation does not hold."""

    DATA_ENGINEERING = "data_engineering"
    SALES_OPERATIONS = "sales_operations"
    MARKETING_OPERATIONS = "marketing_operations"
    CUSTOMER_SUCCESS = "customer_success"
    FINANCE = "finance"
