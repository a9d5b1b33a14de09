"""Who is asking, under a name that tells nothing: a page may outlive the login it began with."""

from __future__ import annotations

from django.conf import settings
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


def name_of(owner: Owner, secret: str | bytes | None = None) -> str:
    """Return a name that no other owner has, on this site or another: 32 hexadecimal digits."""
    name = _keyed(owner.identity, secret)
    return name if owner.user_id is not None else _keyed(VISITOR, secret)[:ALIKE] + name[ALIKE:]


def _keyed(who: str, secret: str | bytes | None) -> str:
    keyed = salted_hmac("django_chat_sessions.reader", who, secret, algorithm="sha256")
    return keyed.hexdigest()[:32]


def refuse_another(request: HttpRequest, owner: Owner, writer: str | None) -> None:
    """Refuse what somebody else wrote than who would send it now.

    What a visitor wrote is any visitor's, and the user's whose login has claimed that visitor just
    now.
    """
    # A page that is open while SECRET_KEY is replaced goes on with the name it was given.
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if writer is None or writer in [name_of(owner, secret) for secret in secrets]:
        return
    is_visitors = writer[:ALIKE] in [_keyed(VISITOR, secret)[:ALIKE] for secret in secrets]
    may_send_it = owner.user_id is None or visitor_beside_user(request, owner) is not None
    if not (is_visitors and may_send_it):
        sentence = _("This was written before somebody signed in or out here, and was not sent.")
        raise ApiError("other_reader", sentence, "reader")
