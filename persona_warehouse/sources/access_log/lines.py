"""What both formats of access logs share."""

from __future__ import annotations

# method, target
REQUEST = r"^([A-Z]+) (.*?)(?: HTTP/[0-9.]+)?$"
TIME_FORMAT = "%d/%b/%Y:%H:%M:%S %z"
