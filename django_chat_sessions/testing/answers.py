"""A responder that says what a test tells it to, at the pace that the test sets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.test import override_settings

from django_chat_sessions import conf
from django_chat_sessions.services.replies.responding import ReplyTurn

INLINE = "django_chat_sessions.services.replies.runners.InlineRunner"
Step = str | dict[str, Any] | BaseException | Callable[[ReplyTurn], Any]


class ScriptedResponder:
    """Gives one answer of the script for each question; without a script, repeats the question.

    An answer is a text, an exception to raise, or a list of steps. A step is a piece of text, a
    dict of metadata, an exception, or a function: it is called with the turn in the middle of the
    answer, where a test may look at what is stored, move the clock, or stop the reply. What it
    asserts in vain fails the reply, is kept as ``broken``, and raised where ``answering`` ends.
    """

    def __init__(self, *script: Step | Sequence[Step]) -> None:
        self.turns: list[ReplyTurn] = []
        self.broken: BaseException | None = None
        self._echoes = not script
        self._left = deque(script)

    @property
    def questions(self) -> list[str]:
        """What was asked so far."""
        return [turn.question for turn in self.turns]

    def __call__(self, turn: ReplyTurn) -> Iterator[str | dict[str, Any]]:
        """Answer; this is what the RESPONDER is called for."""
        self.turns.append(turn)
        for step in self._next(turn):
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, str | dict):
                yield step
            else:
                self._take(step, turn)

    def _take(self, step: Callable[[ReplyTurn], Any], turn: ReplyTurn) -> None:
        try:
            step(turn)
        except BaseException as error:
            # What pytest.fail() raises is no Exception, and no AssertionError.
            if isinstance(error, AssertionError) or not isinstance(error, Exception):
                self.broken = self.broken or error
            raise

    def _next(self, turn: ReplyTurn) -> Sequence[Step]:
        if self._echoes:
            return [f"You asked: {turn.question}"]
        if not self._left:
            raise LookupError(f"Question {len(self.turns)} has no answer in the script.")
        answer = self._left.popleft()
        return answer if isinstance(answer, Sequence) and not isinstance(answer, str) else [answer]


@contextmanager
def answering(*script: Step | Sequence[Step]) -> Iterator[ScriptedResponder]:
    """Let a ``ScriptedResponder`` answer, within the call that asks and after its commit.

    Django's ``TestCase`` never commits: send within ``captureOnCommitCallbacks(execute=True)``.
    Raises what a step of the script has asserted in vain.
    """
    responder = ScriptedResponder(*script)
    changed = {**conf.given(), "RESPONDER": responder, "RUNNER": INLINE}
    try:
        with override_settings(CHAT_SESSIONS=changed):
            yield responder
    finally:
        if responder.broken is not None:
            raise responder.broken
