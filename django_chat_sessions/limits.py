"""How much one owner may ask for: a small, replaceable object. No database, no HTTP, no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one owner may do, from however many devices and addresses.

    None is no limit, except for ``message_length``, which needs a number.

    ``message_length``: characters that a message from the HTTP API may have.
    ``messages_per_minute``: messages sent in the last 60 seconds, by the verb ``send``; as many
    sessions may be begun by ``start``.
    ``replies_at_once``: replies that are being written, in all scopes together.
    """

    message_length: int = 20_000
    messages_per_minute: int | None = 30
    replies_at_once: int | None = 4

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            is_unlimited = value is None and name != "message_length"
            is_number = isinstance(value, int) and not isinstance(value, bool)
            if not is_unlimited and not (is_number and value > 0):
                raise ValueError(f"{name} is {value!r}; give a whole number above 0.")
