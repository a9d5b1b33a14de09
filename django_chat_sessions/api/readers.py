"""Who is asking, under a name that tells nothing: a page may outlive the login it began with."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from django_chat_sessions.api.errors import ApiError
from django_chat_sessions.authentication import visitor_beside_user
from django_chat_sessions.owners import Owner

VISITOR = "visitor"
# Digits in which all visitors' names are alike: a browser is one visitor, whose key may change
# before anything is said.
ALIKE = 16


def name_of(owner: Owner) -> str:
    """Return a name that no other owner has, on this site or another: 32 hexadecimal digits."""
    name = _keyed(owner.identity)
    return name if owner.user_id is not None else _keyed(VISITOR)[:ALIKE] + name[ALIKE:]


def _keyed(who: str) -> str:
    return salted_hmac("django_chat_sessions.reader", who, algorithm="sha256").hexdigest()[:32]


def refuse_another(request: HttpRequest, owner: Owner, writer: str | None) -> None:
    """Refuse what somebody else wrote than who would send it now.

    What a visitor wrote is any visitor's, and the user's whose login has claimed that visitor just
    now.
    """
    if writer is None or writer == name_of(owner):
        return
    is_visitors = writer[:ALIKE] == _keyed(VISITOR)[:ALIKE]
    may_send_it = owner.user_id is None or visitor_beside_user(request, owner) is not None
    if not (is_visitors and may_send_it):
        sentence = _("This was written before somebody signed in or out here, and was not sent.")
        raise ApiError("other_reader", sentence, "reader")
