"""Identifiers: time-ordered UUIDs (RFC 9562, version 7) and digests in the form of UUIDs."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable

from django.db.models import Model, UUIDField

# All but the six bits that say what kind of UUID it is.
_FREE_BITS = ((1 << 128) - 1) & ~(0xF << 76) & ~(0b11 << 62)
_lock = threading.Lock()
_last_stamp = 0


def _own_uuid7() -> uuid.UUID:
    """Return a version 7 UUID; strictly increasing within a process (RFC 9562, method 3)."""
    global _last_stamp  # noqa: PLW0603  one counter per process is the point
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = (milliseconds << 12) | (rest * 4096 // 1_000_000)
    with _lock:
        _last_stamp = stamp = max(stamp, _last_stamp + 1)
    value = (stamp >> 12) << 80
    value |= 0x7 << 76
    value |= (stamp & 0xFFF) << 64
    value |= 0b10 << 62
    value |= int.from_bytes(os.urandom(8)) & ((1 << 62) - 1)
    return uuid.UUID(int=value)


# Python has its own from 3.14 on.
uuid7: Callable[[], uuid.UUID] = getattr(uuid, "uuid7", _own_uuid7)


def new_primary_key(model: type[Model]) -> uuid.UUID | None:
    """Return an id for a new row of ``model``, or None where the database makes it."""
    return uuid7() if isinstance(model._meta.pk, UUIDField) else None


def digest(*parts: str) -> uuid.UUID:
    """Return a UUID of version 5 whose other 122 bits stand for these parts.

    Databases compare text by their own rules (MariaDB finds ``abc``, ``ABC`` and ``abc `` equal);
    they all compare a UUID exactly. MariaDB refuses bits without a version, and some of version 8.
    """
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode()
        hashed.update(len(encoded).to_bytes(8) + encoded)
    return uuid.UUID(bytes=hashed.digest(), version=5)


def blend(one: uuid.UUID, other: uuid.UUID) -> uuid.UUID:
    """Return a digest of two digests; blended once more with either, it gives the other back."""
    return uuid.UUID(int=one.int ^ (other.int & _FREE_BITS))
