"""What happened, told to the host after commit. Nothing in this package listens to these.

All are sent with ``send_robust``: a receiver that raises is logged and disturbs nobody.
``sender`` is the session model.
"""

from __future__ import annotations

from django.dispatch import Signal

# Provides: session, arrival (its status is "new")
session_started = Signal()
# Provides: session, arrival (its status is "resumed"); not sent for each message
session_resumed = Signal()
# Provides: session, arrival (its status is "reopened")
session_reopened = Signal()
# Provides: session, reason
session_ended = Signal()
# Provides: session, message
message_added = Signal()
# Provides: session, reply; the answer is stored
turn_answered = Signal()
# Provides: session, reply, state ("failed", "stopped" or "interrupted")
turn_failed = Signal()
# Provides: owner, claimed; the owner is the user, claimed says how many moved and which ended
sessions_claimed = Signal()
# Provides: session, reader; staff was shown a page of the conversation
content_read = Signal()
