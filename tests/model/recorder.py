"""Every signal that was sent, as the model tells them."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.dispatch import Signal

from django_chat_sessions import signals
from tests.model.views import View, arrival_view

NAMES = [name for name, value in vars(signals).items() if isinstance(value, Signal)]


class Recorder:
    """Listens to all signals of the package."""

    def __init__(self, owners: Any) -> None:
        self._owners = owners
        self._told: list[tuple[str, View]] = []
        self._wrong: list[str] = []
        self._receivers: dict[str, Any] = {}

    def listen(self) -> None:
        """Begin to listen."""
        for name in NAMES:
            self._receivers[name] = receiver = self._receiver(name)
            getattr(signals, name).connect(receiver, weak=False)

    def leave(self) -> None:
        """Listen no longer."""
        for name, receiver in self._receivers.items():
            getattr(signals, name).disconnect(receiver)

    def taken(self) -> list[tuple[str, View]]:
        """Return what was told since the last time. Raises where one was sent before its commit."""
        told, self._told = self._told, []
        wrong, self._wrong = self._wrong, []
        assert not wrong, f"sent before the commit: {wrong}"
        return told

    def _receiver(self, name: str) -> Any:
        def receive(sender: Any, signal: Any, **facts: Any) -> None:
            if connection.in_atomic_block:
                self._wrong.append(name)
            self._told.append((name, self._view(facts)))

        return receive

    def _view(self, facts: View) -> View:
        seen: View = {}
        for name, value in facts.items():
            if name == "session":
                seen[name] = str(value.pk)
            elif name == "arrival":
                seen[name] = arrival_view(value)
            elif name in ("message", "reply"):
                seen[name] = value.position
            elif name == "owner":
                owners = self._owners()
                seen[name] = next((who for who in owners if owners[who] == value), "somebody")
            elif name == "claimed":
                seen |= {"moved": value.moved, "ended": [str(one.pk) for one in value.ended]}
            else:
                seen[name] = str(value)
        return seen
