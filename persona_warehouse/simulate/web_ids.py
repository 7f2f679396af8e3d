"""The names that the website gives to browsers, users and events."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_HEX = np.frombuffer(b"".join(f"{byte:02x}".encode() for byte in range(256)), dtype=np.uint8).reshape(256, 2)
# the hexadecimal digits of a UUID, with the dash after these places
_GROUPS = (4, 6, 8, 10)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15))


def anonymous_id(seed: int, visitor: int) -> str:
    """The cookie's value."""
    return hashlib.blake2b(f"{seed}:visitor:{visitor}".encode(), digest_size=12).hexdigest()


def user_id(person: int) -> str:
    """The login name's number on the vendor's site."""
    return f"u{100_000 + person}"


def event_ids(seed: int, numbers: npt.NDArray[np.int64]) -> pa.Array:
    """The names of events: a UUID of each number (splitmix64, twice; one to one, so that no two are the same)."""
    start = np.uint64(zlib.crc32(f"events {seed}".encode())) << np.uint64(32)
    halves = [_mixed(numbers.astype(np.uint64) + start + np.uint64(half << 62)) for half in (0, 1)]
    digits = _HEX[np.stack(halves, axis=1).astype(">u8").view(np.uint8)].reshape(len(numbers), 32)
    text = np.full((len(numbers), 36), ord("-"), dtype=np.uint8)
    at = 0
    for first, last in zip((0, *_GROUPS), (*_GROUPS, 16), strict=True):
        text[:, at : at + 2 * (last - first)] = digits[:, 2 * first : 2 * last]
        at += 2 * (last - first) + 1
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(numbers), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text)))


def _mixed(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64's finaliser (Steele, Lea, Flood 2014)."""
    value = value + _MIX[2]
    value = (value ^ (value >> np.uint64(30))) * _MIX[0]
    value = (value ^ (value >> np.uint64(27))) * _MIX[1]
    return value ^ (value >> np.uint64(31))
