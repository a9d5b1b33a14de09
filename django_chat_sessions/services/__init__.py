"""The verbs: the only code that writes sessions and messages or sends their signals.

``from django_chat_sessions import services as chat_sessions``. Each verb has an async twin whose
name begins with ``a``.
"""

from django_chat_sessions.services.context import context
from django_chat_sessions.services.erasure import Erased, erase
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
from django_chat_sessions.services.importing import Imported, import_sessions
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
from django_chat_sessions.services.ownership import Claimed, claim, claim_at_login
from django_chat_sessions.services.portability import export, export_name, export_session
from django_chat_sessions.services.recording import Turn, record_turn
from django_chat_sessions.services.replies.asking import Recovered, recover, retry, stop
from django_chat_sessions.services.retention import purge, sweep
from django_chat_sessions.services.turns import Sent, add_message, send
from django_chat_sessions.services.twins import (
    aadd_message,
    aclaim,
    acontext,
    acurrent,
    adelete,
    aend,
    aerase,
    afind_session,
    ahistory_page,
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
    "Claimed",
    "Erased",
    "Grown",
    "Imported",
    "Place",
    "Recovered",
    "Sent",
    "Transcript",
    "Turn",
    "Updates",
    "aadd_message",
    "aclaim",
    "acontext",
    "acurrent",
    "add_message",
    "adelete",
    "aend",
    "aerase",
    "afind_session",
    "ahistory_page",
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
    "claim",
    "claim_at_login",
    "context",
    "current",
    "delete",
    "end",
    "erase",
    "export",
    "export_name",
    "export_session",
    "find_session",
    "history_page",
    "import_sessions",
    "look",
    "mark_read",
    "purge",
    "recent_sessions",
    "record_turn",
    "recover",
    "rename",
    "reopen",
    "resume_or_start",
    "retry",
    "send",
    "start",
    "stop",
    "sweep",
    "touch",
    "transcript",
    "updates",
]
