"""A page with a chat, as a reader sees it: by roles, names and words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, Response, Route, expect

QUESTION = "What is specific heat capacity?"
OTHER_QUESTION = "How does convection carry heat?"
IDLE = 300  # seconds


def hold(page: Page, url: str | re.Pattern[str]) -> list[Route]:
    """Keep requests to this address back; return the list in which they then stand."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(url, keep)
    return held


@dataclass(frozen=True)
class Place:
    """A page of the site that has the chat, and the words it uses there."""

    name: str
    address: str
    assistant: str
    history: str


class Chat:
    """The chat on a page."""

    def __init__(self, page: Page, place: Place) -> None:
        self.page = page
        self.place = place
        self.root = page.locator(".dcs-widget")
        self.field = self.root.get_by_role("textbox", name="Message")
        self.send = self.root.get_by_role("button", name="Send", exact=True)
        self.log = self.root.get_by_role("log", name="Conversation")
        self.messages = self.log.get_by_role("article")
        self.own = self._of("You")
        self.answers = self._of(place.assistant)
        self.finished = self.log.locator("article[data-state=answered]")
        self.status = self.root.locator(".dcs-status-text")
        self.greeting = self.log.locator(".dcs-greeting")
        self.boundary = self.log.locator(".dcs-boundary")
        self.notice = self.log.locator(".dcs-notice")
        header = self.root.locator(".dcs-header")  # a message that was refused may offer one, too
        self.new_chat = header.get_by_role("button", name="New chat", exact=True)
        self.history = page.get_by_role("navigation", name=place.history, exact=True)
        self.rows = self.history.get_by_role("listitem")

    def open(self) -> Chat:
        self.page.goto(self.place.address)
        return self.wait()

    def wait(self) -> Chat:
        """Wait until the chat knows where it stands."""
        expect(self.status).to_have_text(re.compile(r"^(?!Loading).+"))
        return self

    def reload(self) -> Response:
        """Load the page anew; return what the server said about the current session."""
        with self.page.expect_response(re.compile("/sessions/current")) as current:
            self.page.reload()
        self.wait()
        return current.value

    def ask(self, question: str = QUESTION) -> Chat:
        self.field.fill(question)
        self.field.press("Enter")
        return self

    def converse(self, *questions: str) -> Chat:
        """Ask one question after the other, each when the one before is answered."""
        for question in questions or (QUESTION,):
            before = self.finished.count()
            self.ask(question)
            expect(self.finished).to_have_count(before + 1)
        return self

    def transcript(self) -> list[str]:
        # Not what is rendered: a tab in the background renders nothing.
        return self.messages.all_text_contents()

    def open_history(self) -> Locator:
        """Show the history, where it is not beside the chat already; return it."""
        if not self.history.is_visible():
            self.root.get_by_role("button", name=self.place.history, exact=True).click()
        expect(self.history).to_be_visible()
        return self.history

    def row(self, title: str) -> Locator:
        return self.rows.filter(has_text=title)

    def choose(self, title: str, item: str) -> None:
        """Choose from the menu of a chat in the history, as somebody with a mouse does."""
        self.row(title).hover()
        self.row(title).get_by_role("button", name="Options for").click()
        chosen = self.history.get_by_role("menuitem", name=item, exact=True)
        if item == "Rename":
            chosen.click()
            return
        # What is shown at once is not yet what the server knows; a page that is left says no more.
        with self.page.expect_response(lambda one: one.request.method in ("PATCH", "DELETE")):
            chosen.click()

    def _of(self, author: str) -> Locator:
        return self.messages.filter(
            has=self.page.get_by_role("heading", name=author, exact=True, include_hidden=True)
        )
