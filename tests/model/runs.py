"""How the machines are run: the site they ask, the clock that is moved, seed and length."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.test import override_settings
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from django_chat_sessions import conf, get_message_model, get_session_model
from django_chat_sessions.policies import IdleTimeoutPolicy
from django_chat_sessions.testing import frozen_clock
from tests.model.by_http import ByHttp
from tests.model.by_services import USERS, ByServices
from tests.model.comparing import START
from tests.model.machine import ChatMachine
from tests.model.recorder import Recorder
from tests.model.services_machine import ServicesMachine

STEPS = 50  # of one story


class HttpMachine(ChatMachine):
    """Asks by HTTP."""


MACHINES: dict[str, tuple[type[ChatMachine], Any]] = {
    "services": (ServicesMachine, ByServices),
    "http": (HttpMachine, ByHttp),
}


@contextmanager
def site(name: str) -> Iterator[type[ChatMachine]]:
    """Return a machine with all that it needs; real transactions, and nothing left behind."""
    machine, driver = MACHINES[name]
    changed = {
        **conf.given(),
        "RESPONDER": "tests.model.workers.respond",
        "RUNNER": "tests.model.workers.Queue",
        "REPLY_LEASE": 30,
        "REPLY_ATTEMPTS": 2,
        "TIMEOUT_POLICY": IdleTimeoutPolicy(300, max_age=1800),
    }
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # replies fail, and requests are refused, on purpose
    try:
        with override_settings(CHAT_SESSIONS=changed), frozen_clock(START) as clock:
            machine.driver, machine.clock = driver(), clock
            machine.recorder = Recorder(lambda: machine.driver.owners)
            machine.ran.clear()
            machine.met.clear()
            machine.recorder.listen()
            try:
                yield machine
            finally:
                machine.recorder.leave()
    finally:
        logging.disable(disabled)
        _leave_nothing()


def _leave_nothing() -> None:
    from django.contrib.sessions.models import Session

    users: Any = get_user_model()
    for rows in (get_message_model(), get_session_model(), Session):
        rows._base_manager.all().delete()
    users.objects.filter(username__in=USERS).delete()


def tell(
    machine: type[ChatMachine],
    stories: int,
    number: int,
    *,
    steps: int = STEPS,
    shrink: bool = True,
) -> None:
    """Tell that many random stories; the same number tells the same ones again."""
    run_state_machine_as_test(
        seed(number)(machine),
        settings=settings(
            max_examples=stories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
