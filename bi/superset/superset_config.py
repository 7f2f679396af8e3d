"""Settings of Superset: only what differs from its defaults, and why."""

from __future__ import annotations

import os
from pathlib import Path


def _secret() -> str:
    """The key that signs sessions and encrypts what Superset stores: from a file (a mounted secret), or a variable."""
    file = os.environ.get("SUPERSET_SECRET_KEY_FILE")
    key = Path(file).read_text(encoding="utf-8").strip() if file else os.environ.get("SUPERSET_SECRET_KEY", "")
    if len(key) < 32:
        raise SystemExit(
            "no secret key, or one of fewer than 32 characters; put one into SUPERSET_SECRET_KEY,"
            " or into a file named by SUPERSET_SECRET_KEY_FILE: openssl rand -base64 42"
        )
    return key


SECRET_KEY = _secret()
# embedding is off; were it turned on, a token must not be signed by the key that Superset's source shows
GUEST_TOKEN_JWT_SECRET = SECRET_KEY

# where Superset keeps its users and dashboards; SQLite serves one machine, PostgreSQL several
if "SUPERSET_DATABASE_URI" in os.environ:
    SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_DATABASE_URI"]

# a session goes over https alone; browsers take localhost for as good
SESSION_COOKIE_SECURE = True

# a kept answer would be one of the former release, and marts answer in milliseconds
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}

# pages load nothing from elsewhere and tell nobody of their use; Superset's own policy lets maps and a counter through
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": ["'self'"],
        "base-uri": ["'self'"],
        "object-src": "'none'",
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    # whatever ends https in front of Superset sends on to it
    "force_https": False,
    "session_cookie_secure": True,
}

LANGUAGES = {"en": {"flag": "us", "name": "English"}, "zh": {"flag": "cn", "name": "中文"}}
