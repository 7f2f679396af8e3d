"""Who sent it: WeChat's signatures, and the cipher of safe mode."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PADDED_TO = 32


class Refused(Exception):
    """A request that is not taken.

    Args:
        status: the HTTP status.
        reason: why, for the log: never anything of the request's content.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Secrets:
    """What requests are checked with; `aes_key` (32 bytes) means safe mode, in which plain events are refused."""

    token: str = field(repr=False)
    appid: str | None = None
    aes_key: bytes | None = field(default=None, repr=False)


def signature_of(token: str, *parts: str) -> str:
    """sha1, in hex, over the token and the other parts, sorted and joined: WeChat's signature."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def check_signature(given: str, token: str, *parts: str) -> None:
    """Refuses a request that was not signed with the token.

    Raises:
        Refused: it was not.
    """
    if not hmac.compare_digest(given.encode(), signature_of(token, *parts).encode()):
        raise Refused(403, "wrong signature")


def decrypt(encrypted: str, key: bytes, appid: str | None) -> bytes:
    """The XML inside of an encrypted event: AES-256-CBC over 16 random bytes, its length, itself and the appid.

    Raises:
        Refused: it cannot be decrypted, or is meant for another account.
    """
    try:
        data = base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = decryptor.update(data) + decryptor.finalize()
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "cannot be decrypted") from error
    padding = plain[-1] if plain else 0
    length = int.from_bytes(plain[16:20], "big")
    end = 20 + length
    if not 1 <= padding <= PADDED_TO or plain[-padding:] != bytes([padding]) * padding or end > len(plain) - padding:
        raise Refused(400, "cannot be decrypted")
    if not hmac.compare_digest(plain[end:-padding], (appid or "").encode()):
        raise Refused(403, "another account's appid")
    return plain[20:end]
