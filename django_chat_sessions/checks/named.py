"""System checks of what the settings name by a dotted path: it is there, and it can be used."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from django_chat_sessions.checks.tables import ID

# With what each method is called.
METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "RUNNER": {"submit": ("reply", "session")},
    "NOTIFIER": {"tell": ("name",), "watch": ("hub",)},
    "AUTHENTICATORS": {"authenticate": ("request",)},
}


def check_names(given: dict[Any, Any]) -> Iterator[CheckMessage]:
    """Yield what is wrong with each path, and what a runner or notifier finds out about itself."""
    responder = given.get("RESPONDER")
    if callable(responder) and (problem := _responder(responder)):
        yield _useless("RESPONDER", repr(responder), problem)
    notifier = given.get("NOTIFIER")
    if notifier is not None and not isinstance(notifier, str | type):
        yield from _what_it_says("NOTIFIER", notifier, type(notifier).__qualname__)
    for key, path in _names(given):
        try:
            thing: Any = import_string(path)
        except Exception as error:  # noqa: BLE001  a host's own module: whatever it raises is the finding
            yield Error(
                f'CHAT_SESSIONS["{key}"] names {path!r}, which cannot be imported: '
                f"{type(error).__name__}: {error}.",
                id=f"{ID}.E005",
            )
            continue
        problem = _responder(thing) if key == "RESPONDER" else _class(thing, METHODS[key])
        if problem:
            yield _useless(key, path, problem)
        elif key in ("RUNNER", "NOTIFIER"):
            yield from _what_it_says(key, thing, path)


def _names(given: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("RUNNER", "RESPONDER", "NOTIFIER"):
        if isinstance(given.get(key), str):
            yield key, given[key]
    paths = given.get("AUTHENTICATORS")
    if isinstance(paths, list | tuple):
        yield from (("AUTHENTICATORS", path) for path in paths)


def _useless(key: str, path: str, problem: str) -> Error:
    return Error(f'CHAT_SESSIONS["{key}"] names {path!r}, {problem}.', id=f"{ID}.E003")


def _responder(thing: Any) -> str:
    if inspect.ismodule(thing):
        return "which is a module; give a function in it"
    if not callable(thing):
        return f"which is a {type(thing).__name__}; give a callable"
    if problem := _misfit(thing, "the turn"):
        wanted = "give a function that takes one argument, the turn"
        return f"which cannot be called: {problem}; {wanted}"
    return ""


def _misfit(thing: Any, *given: str) -> str:
    """Say why this cannot be called with so many arguments, as Python does; "" where it can."""
    try:
        inspect.signature(thing).bind(*given)
    except TypeError as error:
        return str(error)
    except ValueError:  # made by code in C, which does not say what it needs
        pass
    return ""


def _class(thing: Any, methods: dict[str, tuple[str, ...]]) -> str:
    """Say why this is no class that can be made without arguments and used after that."""
    wanted = f"give a class with {' and '.join(methods)} that needs no arguments"
    if not isinstance(thing, type):
        return f"which is a {type(thing).__name__}; {wanted}"
    for name in methods:
        if not callable(getattr(thing, name, None)):
            return f"which has no method {name}; {wanted}"
    if problem := _misfit(thing):
        return f"which cannot be made: {problem}; {wanted}"
    return next(filter(None, (_method(thing, *each) for each in methods.items())), "")


def _method(thing: Any, name: str, given: tuple[str, ...]) -> str:
    """Say why this method cannot be called, as Django Ninja's authenticate, which wants a token."""
    method = inspect.getattr_static(thing, name, None)
    wanted = f"give a class whose {name}({', '.join(given)}) is no coroutine"
    if inspect.iscoroutinefunction(method):
        return f"whose {name} is async; {wanted}"
    if inspect.isfunction(method) and (problem := _misfit(method, "self", *given)):
        return f"whose {name} cannot be called: {problem}; {wanted}"
    return ""


def _what_it_says(key: str, thing: Any, path: str) -> list[CheckMessage]:
    """Return what its own ``check()`` finds, where it has one: not all work everywhere."""
    if not hasattr(thing, "check"):
        return []
    way_out = "let it be a class method that gives a list of check messages"
    try:
        found = list(thing.check())
    except Exception as error:  # noqa: BLE001  a host's own code: whatever it raises is the finding
        what = f"{type(error).__name__}: {error}"
        return [_useless(key, path, f"whose check() cannot be used: {what}; {way_out}")]
    if all(isinstance(each, CheckMessage) for each in found):
        return found
    return [_useless(key, path, f"whose check() gave {found!r}; {way_out}")]
