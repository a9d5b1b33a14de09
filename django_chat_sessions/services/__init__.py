"""The verbs: the only code that writes sessions and messages or sends their signals.

``from django_chat_sessions import services as chat_sessions``. Each verb has an async twin whose
name begins with ``a``.
"""

from django_chat_sessions.services.history import (
    Place,
    Transcript,
    delete,
    find_session,
    history_page,
    recent_sessions,
    rename,
    transcript,
)
from django_chat_sessions.services.lifecycle import (
    current,
    end,
    look,
    reopen,
    resume_or_start,
    start,
    touch,
)
from django_chat_sessions.services.opening import Arrival, ArrivalStatus
from django_chat_sessions.services.recording import Turn, record_turn
from django_chat_sessions.services.retention import purge, sweep
from django_chat_sessions.services.turns import Sent, add_message, send
from django_chat_sessions.services.twins import (
    aadd_message,
    acurrent,
    adelete,
    aend,
    afind_session,
    alook,
    arecent_sessions,
    arecord_turn,
    arename,
    areopen,
    aresume_or_start,
    asend,
    astart,
    atouch,
    atranscript,
)

__all__ = [
    "Arrival",
    "ArrivalStatus",
    "Place",
    "Sent",
    "Transcript",
    "Turn",
    "aadd_message",
    "acurrent",
    "add_message",
    "adelete",
    "aend",
    "afind_session",
    "alook",
    "arecent_sessions",
    "arecord_turn",
    "arename",
    "areopen",
    "aresume_or_start",
    "asend",
    "astart",
    "atouch",
    "atranscript",
    "current",
    "delete",
    "end",
    "find_session",
    "history_page",
    "look",
    "purge",
    "recent_sessions",
    "record_turn",
    "rename",
    "reopen",
    "resume_or_start",
    "send",
    "start",
    "sweep",
    "touch",
    "transcript",
]
