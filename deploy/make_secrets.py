"""Makes the secrets that are missing, as files; what is there stays.

A container's user is not the one who made a file, and must read it: what keeps others out is the folder.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

RANDOM = (
    "PERSONA_HASH_KEY", "POSTGRES_PASSWORD", "AIRFLOW_API_SECRET", "AIRFLOW_JWT_SECRET", "SUPERSET_SECRET_KEY",
    "BROKER_PASSWORD",
)  # fmt: skip


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    connections = folder / "connections"
    connections.mkdir(exist_ok=True)
    connections.chmod(0o755)
    made = {name: secrets.token_urlsafe(48) for name in RANDOM}
    made["AIRFLOW_FERNET_KEY"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    for name, value in made.items():
        path = folder / name
        if path.exists() and path.stat().st_size:
            continue
        path.write_text(value, encoding="utf-8")
        path.chmod(0o644)
        print(f"made {path}" + ("; keep a copy: hashes change with it" if name == "PERSONA_HASH_KEY" else ""))


main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).with_name("secrets"))
