"""Access tokens that all clients of one account share and renew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Token:
    """An access token and the moment (monotonic seconds) from which it is renewed.

    Attributes:
        tenant: whose data it opens, where the API wants to be told with every call.
    """

    value: str = field(repr=False)
    renew_at: float
    tenant: str = ""


class TokenStore:
    """The token of one account: where a new one ends the old one's life, clients must not fetch their own."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._rejected: str | None = None
        self._lock = threading.Lock()

    def get(self, fetch: Callable[[bool], Token]) -> Token:
        """The token in force; `fetch(force)` gives a new one, with force when the API serves a rejected one again."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._token.renew_at:
                token = fetch(False)
                if token.value == self._rejected:
                    token = fetch(True)
                self._token = token
            return self._token

    def reject(self, token: Token) -> None:
        """Forgets a token that the API refused, unless another client has replaced it already."""
        with self._lock:
            self._rejected = token.value
            if self._token is token:
                self._token = None
