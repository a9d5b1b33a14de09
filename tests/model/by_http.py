"""The package by its HTTP API: real addresses, JSON, cookies; a user in two browsers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from django.contrib.auth import get_user_model

from django_chat_sessions.authentication import CLAIMED_AGE, VISITOR_COOKIE
from django_chat_sessions.owners import Owner
from tests.callers import Caller, person, visitor_in
from tests.model.by_services import USERS, VISITORS
from tests.model.views import View, from_json, refused

STATUS = {
    "not_found": 404,
    "session_ended": 409,
    "turn_in_progress": 409,
    "nothing_to_retry": 409,
    "key_reused": 422,
}
CHANGES: dict[str, View] = {
    "pin": {"pinned": True},
    "unpin": {"pinned": False},
    "archive": {"archived": True},
    "unarchive": {"archived": False},
}


class ByHttp:
    """What the owners ask for, as requests."""

    def __init__(self) -> None:
        self.browsers: dict[str, Iterator[Caller]] = {}
        self.owners: dict[str, Owner] = {}
        for name in USERS:
            self._move_in(name, [person("user", name), person("user", name)])
        for name in VISITORS:
            self._move_in(name, [person("visitor")])

    def _move_in(self, name: str, callers: list[Caller]) -> None:
        self.browsers[name] = cycle(callers)
        self.owners[name] = callers[0].owner

    def reset(self) -> None:
        """Browsers live on."""

    def _ask(self, owner: str, method: str, path: str, body: Any = None) -> Any:
        """Ask in the owner's next browser, and read the answer."""
        caller = next(self.browsers[owner])
        response = caller.call(method, path, *([] if body is None else [body]))
        answer: Any = from_json(response.json()) if response.content else None
        if response.status_code >= 400:
            assert response.status_code == STATUS[answer["code"]], answer
            raise refused(answer["code"], answer)
        return answer

    # Reading

    def look(self, owner: str, scope: str) -> View:
        return _arrival(self._ask(owner, "GET", f"sessions/current?scope={scope}"))

    def history(self, owner: str, *, archived: bool = False, size: int = 100) -> list[View]:
        where = f"sessions?limit={size}&archived={str(archived).lower()}"
        page = self._ask(owner, "GET", where)
        rows: list[View] = page["sessions"]
        while page["next_cursor"] is not None:
            page = self._ask(owner, "GET", f"{where}&cursor={page['next_cursor']}")
            rows += page["sessions"]
        return rows

    def transcript(self, owner: str, session: str) -> View:
        page = self._ask(owner, "GET", f"sessions/{session}/messages?limit=100")
        return {"session": page["session"], "messages": page["messages"]}

    def updates(self, owner: str, since: str | None) -> View:
        found = self._ask(owner, "GET", f"updates?since={since}" if since else "updates")
        wanted = ("cursor", "sessions", "messages", "deltas")
        return {name: found[name] for name in wanted}

    # Acting

    def send(self, owner: str, content: str, key: str, scope: str, named: str | None) -> View:
        body = {"content": content, "key": key, "scope": scope}
        body |= {} if named is None else {"session": named}
        caller = next(self.browsers[owner])
        response = caller.post("messages", body)
        answer = from_json(response.json())
        if response.status_code >= 400:
            assert response.status_code == STATUS[answer["code"]], answer
            raise refused(answer["code"], answer)
        return {
            "arrival": {**answer["arrival"], "session": answer["session"]},
            "message": answer["message"],
            "reply": answer["reply"],
            "created": response.status_code == 201,
        }

    def start(self, owner: str, scope: str) -> View:
        return _arrival(self._ask(owner, "POST", "sessions", {"scope": scope}))

    def touch(self, owner: str, session: str) -> View:
        return self._of(owner, session, "touch")

    def end(self, owner: str, session: str, *, stale: bool = False) -> View:
        return self._of(owner, session, "end")

    def reopen(self, owner: str, session: str, *, stale: bool = False) -> View:
        return _arrival(self._ask(owner, "POST", f"sessions/{session}/reopen", {}))

    def stop(self, owner: str, session: str, *, stale: bool = False) -> View:
        answer: View = self._ask(owner, "POST", f"sessions/{session}/stop", {})
        return answer

    def retry(self, owner: str, session: str, *, stale: bool = False) -> View:
        answer: View = self._ask(owner, "POST", f"sessions/{session}/retry", {})
        return answer

    def organise(self, owner: str, session: str, what: str, title: str) -> View:
        if what == "mark_read":
            return self._of(owner, session, "read")
        changes = {"title": title} if what == "rename" else CHANGES[what]
        answer = self._ask(owner, "PATCH", f"sessions/{session}", changes)
        shown: View = answer["session"]
        return shown

    def delete(self, owner: str, session: str, *, stale: bool = False) -> None:
        self._ask(owner, "DELETE", f"sessions/{session}")

    def restore(self, owner: str, session: str) -> View:
        return self._of(owner, session, "restore")

    def claim(self, visitor: str, user: str) -> None:
        """Log in where the visitor was; what comes after is another visitor's."""
        caller = next(self.browsers[visitor])
        users: Any = get_user_model()
        caller.client.force_login(users.objects.get(username=user))
        response = caller.get("sessions/current")
        assert response.status_code == 200
        assert response.cookies[VISITOR_COOKIE]["max-age"] == CLAIMED_AGE
        assert visitor_in(caller.client) is None
        caller.client.logout()
        self._move_in(visitor, [person("visitor")])

    def erase(self, owner: str) -> None:
        self._ask(owner, "DELETE", "sessions")
        if owner in VISITORS:
            self._move_in(owner, [person("visitor")])

    def _of(self, owner: str, session: str, what: str) -> View:
        answer = self._ask(owner, "POST", f"sessions/{session}/{what}", {})
        shown: View = answer["session"]
        return shown


def _arrival(answer: View) -> View:
    return {**answer["arrival"], "session": answer["session"]}
