"""What a reader has, packed into a text that any process can read."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from django_chat_sessions.exceptions import WrongCursor
from django_chat_sessions.models import ReplyState

VERSION = 1
DIGEST = 6  # bytes; two of an owner's rows are taken for one once in 281,474,976,710,656 times
_FORM = re.compile("[A-Za-z0-9_-]+")
_HEAD = struct.Struct(f">B{DIGEST}s")
_ENTRY = struct.Struct(f">{DIGEST}s{DIGEST}siHBI")
REFUSED = "This cursor was never given out; begin again without it."
NOTHING_SAID = -1  # the position of the last message where there is none


def digest_of(*facts: Any) -> bytes:
    """Return a short digest of these facts; the same in every process."""
    return blake2b(repr(facts).encode(), digest_size=DIGEST).digest()


def state_number(state: str) -> int:
    """Return the number of a reply's state; 0 for a message that is no reply."""
    return ["", *ReplyState.values].index(state)


@dataclass(frozen=True, slots=True)
class Known:
    """What a reader has of one open session.

    ``position`` is that of the last message, of which it has ``length`` characters of ``attempt``
    in ``state``, a number that ``state_number`` gives.
    """

    row: bytes
    position: int
    attempt: int
    state: int
    length: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a reader has of its owner's sessions: the open ones singly, the others together."""

    listed: bytes = b""
    open: dict[bytes, Known] = field(default_factory=dict)

    def encode(self) -> str:
        """Return the cursor as an opaque text; the same knowledge gives the same text."""
        packed = _HEAD.pack(VERSION, self.listed)
        for session in sorted(self.open):
            known = self.open[session]
            reply = (known.attempt, known.state, known.length)
            packed += _ENTRY.pack(session, known.row, known.position, *reply)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: object) -> Cursor | None:
        """Return the cursor of a text; None for one of another version, whose reader gets all.

        Raises WrongCursor for a text that was never given out.
        """
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise WrongCursor(REFUSED)
        try:
            packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error as error:
            raise WrongCursor(REFUSED) from error
        if packed[0] != VERSION:
            return None
        try:
            _version, listed = _HEAD.unpack_from(packed)
            entries = list(_ENTRY.iter_unpack(packed[_HEAD.size :]))
        except struct.error as error:
            raise WrongCursor(REFUSED) from error
        cursor = cls(listed, {session: Known(*rest) for session, *rest in entries})
        if cursor.encode() != text:
            raise WrongCursor(REFUSED)
        return cursor
