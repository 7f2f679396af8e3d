"""The audits: Great Expectations on DuckDB, the results it leaves, and the pages that show them."""

import os

# great expectations reads it when it is imported, which happens in the modules of this package
os.environ["GX_ANALYTICS_ENABLED"] = "false"
