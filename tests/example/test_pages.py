"""Every page of the study site: it renders, and its policy allows what is on it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

PAGES = ["/", "/plain/", "/plain/?subject=history", "/plain/?subject=none", "/gallery/", "/login/"]


class Inline(HTMLParser):
    """Notes whatever the policy would block: scripts and styles in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]


def check(response: Any, status: int = 200) -> str:
    """The page came with its policy, and nothing on it is against that."""
    assert response.status_code == status
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    text: str = response.content.decode()
    inline = Inline()
    inline.feed(text)
    assert inline.found == []
    return text


@pytest.mark.parametrize("visitor", [True, False], ids=["visitor", "student"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page(client: Client, site: Any, page: str, visitor: bool) -> None:
    if not visitor:
        assert client.login(username="student", password="student-pass")
    response = client.get(page)
    if page == "/login/" and not visitor:
        assert response.status_code == 302
        return
    assert "XP study site" in check(response)


def test_a_page_that_does_not_exist(client: Client, site: Any) -> None:
    assert "This page does not exist" in check(client.get("/subjects/4711/"), 404)


def test_the_subjects_are_offered_with_questions_to_try(client: Client, physics: Any) -> None:
    text = check(client.get("/"))
    assert f'href="/subjects/{physics.pk}/"' in text
    assert "Why does the temperature of ice stay the same while it melts?" in text


def test_a_chat_without_a_script_names_its_subject(client: Client, physics: Any) -> None:
    address = "/chat/sessions/current/page"
    about = client.get(f"{address}?scope=subject:{physics.pk}").content.decode()
    assert "<title>Chat · Physics · XP study site</title>" in about
    other = client.get(address).content.decode()
    assert "<title>Chat · XP study site</title>" in other


def test_a_subject_can_be_read_and_cited(client: Client, physics: Any) -> None:
    response = client.get(f"/subjects/{physics.pk}/")
    text = check(response)
    for passage in physics.passages.all():
        assert f'id="passage-{passage.number}"' in text
    assert f'data-scope="subject:{physics.pk}"' in text
    assert 'data-base-url="/chat"' in text
    assert "The chat has not been built yet" in text
    assert "csrftoken" in response.cookies


def test_a_subject_loads_what_vite_built(client: Client, physics: Any, site: Any) -> None:
    manifest = site.FRONTEND / ".vite" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    built = {"src/main.tsx": {"file": "assets/main-AbCdEf12.js", "css": ["assets/main-12.css"]}}
    manifest.write_text(json.dumps(built))
    text = check(client.get(f"/subjects/{physics.pk}/"))
    assert '<script type="module" src="/static/xp/assets/main-AbCdEf12.js"></script>' in text
    assert '<link rel="stylesheet" href="/static/xp/assets/main-12.css">' in text
    assert "has not been built" not in text


def test_the_gallery_loads_what_vite_built_for_it(client: Client, site: Any) -> None:
    assert "The gallery has not been built yet" in check(client.get("/gallery/"))
    manifest = site.FRONTEND / ".vite" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    built = {
        "_shared.js": {"file": "assets/shared-1.js", "css": ["assets/shared-1.css"]},
        "src/gallery/main.tsx": {
            "file": "assets/main-2.js",
            "css": ["assets/main-2.css"],
            "imports": ["_shared.js"],
        },
    }
    manifest.write_text(json.dumps(built))
    text = check(client.get("/gallery/"))
    assert '<script type="module" src="/static/xp/assets/main-2.js"></script>' in text
    # What is imported comes first, so that the page's own styles win.
    assert 0 < text.index("/static/xp/assets/shared-1.css") < text.index("assets/main-2.css")


@pytest.mark.parametrize(
    ("theme", "html"),
    [("dark", '<html lang="en" data-theme="dark">'), ("neon", '<html lang="en">')],
)
def test_the_gallery_takes_a_theme(client: Client, site: Any, theme: str, html: str) -> None:
    assert html in check(client.get("/gallery/", {"theme": theme, "state": "chat-empty"}))


def test_people_log_in_and_out(client: Client, site: Any) -> None:
    wrong = client.post("/login/", {"username": "student", "password": "?"})
    assert "do not match" in check(wrong)
    right = {"username": "student", "password": "student-pass", "next": "/plain/"}
    assert client.post("/login/", right).headers["Location"] == "/plain/"
    assert "Log out" in check(client.get("/"))
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").headers["Location"] == "/"


def test_the_teacher_sees_who_chatted_and_not_what_was_said(client: Client, site: Any) -> None:
    client.login(username="teacher", password="teacher-pass")
    text = check(client.get("/admin/subjects/chatsession/"))
    assert "student" in text
    assert "absolute zero" not in text
    client.login(username="student", password="student-pass")
    assert client.get("/admin/").status_code == 302


def test_loading_the_texts_again_changes_nothing(physics: Any) -> None:
    user = get_user_model().objects.get(username="student")
    user.set_password("changed")
    user.save()
    passage = physics.passages.get(number=1)
    kept = (passage.pk, passage.text)
    passage.text = "Not what the file says."
    passage.save()
    physics.passages.create(number=999, title="Gone from the file", text="…")
    call_command("load_subjects", verbosity=0)
    passage.refresh_from_db()
    assert (passage.pk, passage.text) == kept
    assert not physics.passages.filter(number=999).exists()
    user.refresh_from_db()
    assert user.check_password("changed")
