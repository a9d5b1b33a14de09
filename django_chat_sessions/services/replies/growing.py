"""The text of one reply while it grows: stored in few writes, never long after it came."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from django.db import Error as DatabaseTrouble
from django.db import connections

from django_chat_sessions.exceptions import TurnLost
from django_chat_sessions.models import AbstractChatMessage
from django_chat_sessions.services.outages import is_away
from django_chat_sessions.services.replies.writing import lost, save_text
from django_chat_sessions.services.tables import let_go_of_connection, messages

logger = logging.getLogger(__name__)
SAVE_EVERY = 0.5  # seconds; twice this is the most of a growing answer that a crash can take
LOOKED_AFTER = SAVE_EVERY / 2  # seconds between two looks of the keeper at texts that wait


class Growth:
    """Collects pieces; the worker stores them as they come, the lease keeper when they wait."""

    def __init__(self, reply: AbstractChatMessage) -> None:
        self.reply = reply
        self.is_lost = False
        self._pieces: list[str] = []
        self._stored = 0
        self._stored_at = float("-inf")
        # Held while storing: an older text must not arrive after a newer one.
        self._lock = threading.Lock()
        self._connection = connections[messages().db]
        # A caller's open transaction can be seen, and waited for, by this thread only.
        self.is_private = self._connection.in_atomic_block

    @property
    def text(self) -> str:
        """The text so far, stored or not."""
        return "".join(self._pieces)

    @property
    def is_left_to_keeper(self) -> bool:
        """Whether the responder has a transaction open: what its thread writes is a part of that.

        Nobody would see it, and the keeper would wait for the row until both waited for ever.
        """
        return self._connection.in_atomic_block and not self.is_private

    def add(self, piece: str) -> None:
        """Add a piece; store the text if it is time. Raises TurnLost."""
        self._pieces.append(piece)
        if self.is_lost:
            raise lost(self.reply)
        if time.monotonic() - self._stored_at >= SAVE_EVERY and not self.is_left_to_keeper:
            try:
                self._store()
            except DatabaseTrouble as error:
                if self.is_private or not is_away(error):
                    raise
                # The text is here, and a database that restarts is back before the answer's end.
                logger.warning("Reply %s is not stored: %s", self.reply.pk, type(error).__name__)
                let_go_of_connection()
                self._stored_at = time.monotonic()

    def store_what_waits(self) -> None:
        """Store pieces that the worker has not stored; from another thread."""
        # Not as soon as the worker itself would: the keeper is one thread for all the silent ones.
        is_late = time.monotonic() - self._stored_at >= 2 * SAVE_EVERY - LOOKED_AFTER
        if is_late and self._stored < len(self._pieces) and not (self.is_private or self.is_lost):
            with suppress(TurnLost):  # its worker is told so at its next piece
                self._store()

    def _store(self) -> None:
        with self._lock:
            count = len(self._pieces)
            try:
                save_text(self.reply, "".join(self._pieces[:count]))
            except TurnLost:
                self.is_lost = True
                raise
            self._stored, self._stored_at = count, time.monotonic()
