"""The example site as these tests serve it, instead of ``config.asgi``.

Its clock can be put forward, as a sleep or a long break does. No row is changed for it: what the
site has told a page before stays true, and so does the order of what it tells next. And it says
when it has nothing left to do, so that no request of one test is answered during the next.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.asgi import application as site

from django_chat_sessions import clock
from tests.browser.site import PASSED, QUIET

_now = clock.now
_at_work: set[object] = set()
_quiet = asyncio.Event()
_quiet.set()


def later() -> datetime:
    """Return the present, as late as the file says."""
    try:
        seconds = float(Path(os.environ[PASSED]).read_text())
    except FileNotFoundError:
        seconds = 0
    return _now() + timedelta(seconds=seconds)


clock.now = later


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve the site; the address QUIET answers once everything else has been answered."""
    if scope.get("path") == QUIET:
        await _quiet.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    if scope["type"] != "http":
        await site(scope, receive, send)
        return
    request = object()
    _at_work.add(request)
    _quiet.clear()
    try:
        await site(scope, receive, send)
    finally:
        _at_work.discard(request)
        if not _at_work:
            _quiet.set()
