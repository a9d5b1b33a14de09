"""Runs what a documentation page asks for inside a Django project: started by test_docs.py.

Reads one task in JSON from each line of standard input, runs it in a child of its own, and
answers with one line: ``{"status": 0, "output": "…"}``. Django is imported once for all of them,
because that takes longer than anything that a page does.

A task has the project's ``folder``, and either a ``command`` (the words after ``python``) or
``blocks`` of Python (language, text, place) with what they are ``given``.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import json
import os
import runpy
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

import django

TO_HAVE_AT_HAND = [
    "django.contrib.admin",
    "django.core.management",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.autodetector",
    "django.db.migrations.executor",
    "django.test",
    "zoneinfo",
]


def serve() -> None:
    """Answer tasks until there are no more."""
    for name in TO_HAVE_AT_HAND:
        importlib.import_module(name)
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                _be_the_child(json.loads(line), output.fileno())
            _pid, status = os.waitpid(child, 0)
            output.seek(0)
            answer = {
                "status": os.waitstatus_to_exitcode(status),
                "output": output.read().decode(),
            }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _be_the_child(task: dict[str, Any], output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = 1
    try:
        os.chdir(task["folder"])
        sys.path.insert(0, task["folder"])
        warnings.simplefilter("error")
        perform(task)
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        sys.stderr.write(str(leaving.code or ""))
    except BaseException:  # noqa: BLE001  whatever it is, the test shows it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def perform(task: dict[str, Any]) -> None:
    """Do one task, as the process that a reader would have started."""
    if command := task.get("command"):
        is_module = command[0] == "-m"
        sys.argv = command[1:] if is_module else command
        if is_module:
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(str(Path(command[0]).resolve()), run_name="__main__")
        return
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    names: dict[str, Any] = {name: GIVEN[name]() for name in task["given"]}
    for language, text, place in task["blocks"]:
        if language == "pycon":
            talk(text, names, place)
        else:
            run(text, names, place)


def run(text: str, names: dict[str, Any], place: str) -> None:
    """Run Python, with ``await`` at the top as in an async view."""
    code = compile(text, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)  # noqa: S307  our own documentation
    if inspect.iscoroutine(result):
        asyncio.run(result)


def talk(text: str, names: dict[str, Any], place: str) -> None:
    """Run an interactive session and compare what it prints."""
    test = doctest.DocTestParser().get_doctest(text, names, place, place, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, clear_globs=False)
    names.update(test.globs)
    if runner.summarize(verbose=False).failed:
        sys.exit(f"{place}: the page shows something else.")


def _user() -> Any:
    """A saved user called ada."""
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_or_create(username="ada")[0]


def _owner() -> Any:
    """The owner that stands for ada."""
    from django_chat_sessions.owners import Owner

    return Owner.for_user(_user())


def _session() -> Any:
    """An open session of ada's, in a scope that no page names."""
    from django_chat_sessions import services

    return services.start(_owner(), "given").opened


def _request() -> Any:
    """A request that ada has made."""
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = _user()
    return request


GIVEN = {"user": _user, "owner": _owner, "session": _session, "request": _request}

if __name__ == "__main__":
    serve()
