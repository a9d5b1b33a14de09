"""The verbs: the only code that writes sessions and messages or sends their signals.

``from django_chat_sessions import services as chat_sessions``. Each verb has an async twin whose
name begins with ``a``.
"""

from django_chat_sessions.services.context import context
from django_chat_sessions.services.following.updates import Grown, Updates, updates
from django_chat_sessions.services.history import (
    Place,
    Transcript,
    delete,
    find_session,
    history_page,
    mark_read,
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
from django_chat_sessions.services.replies.asking import Recovered, recover, retry, stop
from django_chat_sessions.services.retention import purge, sweep
from django_chat_sessions.services.staff import purge_chosen, read_for_staff
from django_chat_sessions.services.statistics import Figures, Statistics, statistics
from django_chat_sessions.services.turns import Sent, add_message, send
from django_chat_sessions.services.twins import (
    aadd_message,
    acontext,
    acurrent,
    adelete,
    aend,
    afind_session,
    alook,
    amark_read,
    arecent_sessions,
    arecord_turn,
    arename,
    areopen,
    aresume_or_start,
    aretry,
    asend,
    astart,
    astop,
    atouch,
    atranscript,
    aupdates,
)

__all__ = [
    "Arrival",
    "ArrivalStatus",
    "Figures",
    "Grown",
    "Place",
    "Recovered",
    "Sent",
    "Statistics",
    "Transcript",
    "Turn",
    "Updates",
    "aadd_message",
    "acontext",
    "acurrent",
    "add_message",
    "adelete",
    "aend",
    "afind_session",
    "alook",
    "amark_read",
    "arecent_sessions",
    "arecord_turn",
    "arename",
    "areopen",
    "aresume_or_start",
    "aretry",
    "asend",
    "astart",
    "astop",
    "atouch",
    "atranscript",
    "aupdates",
    "context",
    "current",
    "delete",
    "end",
    "find_session",
    "history_page",
    "look",
    "mark_read",
    "purge",
    "purge_chosen",
    "read_for_staff",
    "recent_sessions",
    "record_turn",
    "recover",
    "rename",
    "reopen",
    "resume_or_start",
    "retry",
    "send",
    "start",
    "statistics",
    "stop",
    "sweep",
    "touch",
    "transcript",
    "updates",
]
