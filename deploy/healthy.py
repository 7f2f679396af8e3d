"""Ends with 0 where the API server says that a part of Airflow is healthy.

Parts: metadatabase, scheduler, dag_processor, triggerer.
"""

import json
import sys
from urllib.request import urlopen

server, part = sys.argv[1:]
with urlopen(f"{server}/api/v2/monitor/health", timeout=8) as answer:  # noqa: S310 - an address of the compose file
    status = json.load(answer)[part]["status"]
print(f"{part}: {status}")
sys.exit(status != "healthy")
