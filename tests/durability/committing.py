"""Another process that changes something: a title for each line of input, and when it was there.

The clock is the machine's monotonic one, which all its processes share.
"""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """Rename sessions; answer with the moment after the commit."""
    import django

    django.setup()
    from django_chat_sessions import get_session_model
    from django_chat_sessions.services import rename

    known = {}
    for line in sys.stdin:
        pk, title = json.loads(line)
        if pk not in known:
            known[pk] = get_session_model().objects.get(pk=pk)
        rename(known[pk], title)
        sys.stdout.write(f"{time.monotonic()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
