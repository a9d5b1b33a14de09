"""Adopt a large site on PostgreSQL while its old code goes on writing; print what was measured.

    python -m benchmarks.adoption [sessions] [each]

Starts a PostgreSQL of its own and leaves nothing behind. The default is 50,000 sessions with
1,000,000 messages. Fails when a writer waited longer than 0.2 seconds, or a row is not right.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from functools import partial
from pathlib import Path
from typing import Any

say = partial(print, flush=True)
LONGEST = 0.2  # seconds that a writer may have to wait


def main(sessions: int, each: int) -> int:
    """Return 0 when every bar was met."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings.adoption",
        "CHAT_SESSIONS_TEST_DB": "postgres",
    }
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection

    from tests.adoption import large_site
    from tests.adoption.moving import ADOPTED, OLD, migrate, old_site
    from tests.adoption.shapes import SHAPES
    from tests.adoption.test_shapes import again

    call_command("migrate", run_syncdb=True, verbosity=0)
    user = get_user_model().objects.create(username="ada")
    failed = False
    with old_site("shape_c"):
        took = large_site.seconds(large_site.generate, user.pk, sessions, each)
        version = connection.pg_version
        say(f"{platform.platform()}, {os.cpu_count()} processors, PostgreSQL {version}")
        say(f"{sessions:,} sessions with {sessions * each:,} messages, made in {took:.0f} s")
        before = large_site.old_rows(sessions)
        for name, target in (("forwards", ADOPTED), ("backwards", OLD)):
            with large_site.old_code_writing(user.pk) as met:
                took = large_site.seconds(migrate, "shape_c", target)
            [stall] = met
            say(
                f"{name}: {took:.0f} s; a writer of old rows wrote {stall.written:,} meanwhile and "
                f"waited {stall.longest:.3f} s at most ({stall.where}); errors: {stall.errors}"
            )
            failed |= stall.longest > LONGEST or bool(stall.errors)
            if target == ADOPTED:
                failed |= _check_history(large_site, again, SHAPES[2])
        kept = large_site.old_rows(sessions) == before
        say(f"old rows after the way back: {'as before' if kept else 'CHANGED'}")
    return int(failed or not kept)


def _check_history(large_site: Any, again: Any, shape: Any) -> bool:
    from django.apps import apps

    took = large_site.seconds(again, shape, apps)
    wrong = large_site.wrong_sessions()
    say(f"the step once more, for what was written meanwhile: {took:.0f} s")
    say(f"sessions whose counts, places, title or last message are wrong: {wrong}")
    return wrong > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adoption", description=__doc__)
    parser.add_argument("sessions", type=int, nargs="?", default=50_000)
    parser.add_argument("each", type=int, nargs="?", default=20, help="messages in each")
    options = parser.parse_args()
    if min(options.sessions, options.each) < 1:
        parser.error("sessions and each must be 1 or more")
    sys.exit(main(options.sessions, options.each))
