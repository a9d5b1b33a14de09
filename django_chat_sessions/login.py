"""At login the chats of a visitor move to the account. At logout streams end."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest

from django_chat_sessions.owners import Owner

logger = logging.getLogger(__name__)


def claim_visitors_chats(
    sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any
) -> None:
    """Claim at ``user_logged_in``. A login succeeds whatever happens to the chats.

    What could not be claimed keeps its cookie, and the chat's next request claims it. The log gets
    the kind of error only: its text may hold what was said.
    """
    if request is None:
        return
    # Imported late: it would take half of what the package adds to the start of every process.
    from django_chat_sessions import services  # noqa: PLC0415

    try:
        services.claim_at_login(request, Owner.for_user(user))
    except Exception as error:  # noqa: BLE001  a wrong setting of the chat's must lock nobody out
        logger.error("A visitor's chats were not claimed at login: %s", type(error).__name__)


def let_streams_end(sender: Any, user: Any, **kwargs: Any) -> None:
    """Have every stream of this user look at its login again, at ``user_logged_out``."""
    if user is None:
        return
    from django_chat_sessions.services.tables import tell_readers_of_logout  # noqa: PLC0415

    try:
        tell_readers_of_logout(Owner.for_user(user))
    except Exception as error:  # noqa: BLE001  nor must it keep anybody in
        logger.error("Streams were not told of a logout: %s", type(error).__name__)
