"""Asking on the study site, through the HTTP API, with the real answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

QUESTION = "Why does the temperature of ice stay the same while it melts?"


@pytest.fixture
def ask(client: Client, django_capture_on_commit_callbacks: Any) -> Any:
    """Send a question and return what is in the transcript then."""

    def send(question: str, scope: str, key: str = "first-question") -> dict[str, Any]:
        body = {"content": question, "key": key, "scope": scope}
        with django_capture_on_commit_callbacks(execute=True):
            sent = client.post("/chat/messages", body, content_type="application/json")
        assert sent.status_code == 201, sent.content
        session = sent.json()["session"]["id"]
        return dict(client.get(f"/chat/sessions/{session}/messages").json())

    return send


@pytest.mark.parametrize("visitor", [True, False], ids=["visitor", "student"])
def test_an_answer_comes_from_the_texts_with_its_sources(
    client: Client, physics: Any, ask: Any, visitor: bool
) -> None:
    if not visitor:
        client.login(username="student", password="student-pass")
    question, answer = ask(QUESTION, physics.scope)["messages"]
    assert (question["content"], question["role"]) == (QUESTION, "user")
    assert (answer["role"], answer["state"]) == ("assistant", "answered")
    source = answer["metadata"]["sources"][0]
    assert source["title"] == "Latent heat"
    address, _, anchor = source["url"].partition("#")
    page = client.get(address).content.decode()
    assert f'id="{anchor}"' in page
    assert source["quote"].removesuffix("…") in page


def test_each_subject_has_a_conversation_of_its_own(client: Client, physics: Any, ask: Any) -> None:
    ask(QUESTION, physics.scope)
    current = "/chat/sessions/current"
    here = client.get(current, {"scope": physics.scope}).json()
    assert (here["arrival"]["status"], here["session"]["message_count"]) == ("resumed", 2)
    assert client.get(current, {"scope": "subject:4711"}).json()["session"] is None
    assert QUESTION in client.get("/").content.decode()


def test_without_a_subject_the_answer_says_where_to_go(site: Any, ask: Any) -> None:
    _, answer = ask(QUESTION, "elsewhere")["messages"]
    assert "open a subject" in answer["content"]


def test_old_conversations_are_listed_and_can_be_continued(
    client: Client, physics: Any, ask: Any
) -> None:
    client.login(username="student", password="student-pass")
    listed = client.get("/chat/sessions", {"scope": physics.scope}).json()["sessions"]
    titles = [row["title"] for row in listed]
    assert QUESTION in titles
    old = listed[titles.index(QUESTION)]
    assert (old["state"], old["end_reason"]) == ("expired", "idle")
    opened = client.post(f"/chat/sessions/{old['id']}/reopen").json()
    assert opened["arrival"]["status"] == "reopened"
    transcript = ask("What is absolute zero?", physics.scope)["messages"]
    assert len(transcript) == old["message_count"] + 2
    assert transcript[0]["content"] == QUESTION
    assert "273" in transcript[-1]["content"]


def test_nobody_sees_the_old_conversations_of_another(client: Client, site: Any) -> None:
    client.login(username="student", password="student-pass")
    own = {row["id"] for row in client.get("/chat/sessions").json()["sessions"]}
    client.login(username="teacher", password="teacher-pass")
    others = {row["id"] for row in client.get("/chat/sessions").json()["sessions"]}
    assert own
    assert others
    assert not own & others
    assert client.get(f"/chat/sessions/{min(own)}").status_code == 404
