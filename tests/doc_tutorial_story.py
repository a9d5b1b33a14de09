"""What the tutorial promises, tried in its finished project: reload, second tab, pause, go on."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import django

LONGER_THAN_THE_TIMEOUT = timedelta(seconds=21)
KEYS = iter(f"a-key-{number:04}" for number in range(100))


def main() -> None:
    """Be a visitor with one browser."""
    sys.path.insert(0, ".")
    django.setup()
    from django.test import Client

    from django_chat_sessions import clock

    browser = Client(headers={"host": "localhost"})
    assert 'data-title="Ask me"' in browser.get("/").text

    first = send(browser, "Hello there")
    assert first["arrival"]["status"] == "new"
    # A reload asks for the open session and its messages.
    assert current(browser)["session"]["id"] == first["session"]["id"]
    messages = answered(browser, first["session"]["id"])
    assert [message["content"].strip() for message in messages] == [
        "Hello there",
        "You said: Hello there",
    ]
    assert Client(headers={"host": "localhost"}).get("/chat/sessions").json()["sessions"] == []

    now = clock.now

    def later() -> datetime:
        return now() + LONGER_THAN_THE_TIMEOUT

    with mock.patch.object(clock, "now", later):
        assert current(browser)["session"] is None
        second = send(browser, "And now?")
        assert second["arrival"]["status"] == "new"
        assert second["arrival"]["reason"] == "idle"
        assert second["arrival"]["previous"]["id"] == first["session"]["id"]
        assert len(answered(browser, second["session"]["id"])) == 2

        again = browser.post(f"/chat/sessions/{first['session']['id']}/reopen").json()
        assert again["arrival"]["status"] == "reopened"
        assert len(answered(browser, first["session"]["id"])) == 2
        assert len(browser.get("/chat/sessions").json()["sessions"]) == 2


def send(browser: Any, text: str) -> dict[str, Any]:
    """Send a message as the widget does."""
    body = {"content": text, "key": next(KEYS)}
    response = browser.post("/chat/messages", body, content_type="application/json")
    assert response.status_code == 201, response.text
    sent: dict[str, Any] = response.json()
    return sent


def current(browser: Any) -> dict[str, Any]:
    """Ask what the next message would meet."""
    found: dict[str, Any] = browser.get("/chat/sessions/current").json()
    return found


def answered(browser: Any, session: str) -> list[dict[str, Any]]:
    """Return the messages as soon as the last of them is complete."""
    for _attempt in range(1000):  # a busy machine may need a while
        page = browser.get(f"/chat/sessions/{session}/messages").json()
        if page["messages"][-1]["state"] == "answered":
            messages: list[dict[str, Any]] = page["messages"]
            return messages
        time.sleep(0.05)
    raise AssertionError(page)


if __name__ == "__main__":
    # The tutorial's function takes a second for each word; nobody is watching here.
    really_sleep = time.sleep
    with mock.patch("time.sleep", lambda seconds: really_sleep(seconds / 20)):
        main()
