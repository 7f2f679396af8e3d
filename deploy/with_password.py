"""Prints an address with the password of a file in it: Airflow asks for it by a command, and no variable holds it."""

import sys
from pathlib import Path
from urllib.parse import quote

address, file = sys.argv[1:]
user, at, rest = address.partition("@")
sys.stdout.write(f"{user}:{quote(Path(file).read_text(encoding='utf-8').strip(), safe='')}{at}{rest}")
