"""The gallery of the example site, as these tests and the pictures walk through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.frames import draw


class Gallery:
    """The page that shows each component in every state, one after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.links = page.get_by_role("navigation", name="States").get_by_role("link")
        self.next = page.locator("a[rel=next]")

    def open(self, **look: str) -> Gallery:
        self.page.goto(f"/gallery/?{urlencode(look)}")
        expect(self.links.first).to_be_attached()
        return self

    def names(self) -> list[str]:
        """The states that the page lists."""
        addresses = self.links.evaluate_all("links => links.map((link) => link.href)")
        return [state_in(address) for address in addresses]

    def show(self, name: str) -> Locator:
        """Load the page anew with one state."""
        query = {**parse_qs(urlsplit(self.page.url).query), "state": [name]}
        self.page.goto(f"/gallery/?{urlencode(query, doseq=True)}")
        return self._ready(name)

    def walk(self) -> Iterator[tuple[str, Locator]]:
        """From the first state to the last, without loading the page again."""
        steps = self.links.count()
        self.links.first.click()
        for step in range(steps):
            name = state_in(self.page.url)
            yield name, self._ready(name)
            if step < steps - 1:
                # A floating chat may lie above it, or even have the page to itself.
                self.next.evaluate("(link) => link.click()")

    @contextmanager
    def in_the_dark(self) -> Iterator[None]:
        """The other theme, put on as the server would have written it."""
        look = self.page.locator("html")
        look.evaluate("html => { html.dataset.theme = 'dark'; }")
        yield
        look.evaluate("html => { html.dataset.theme = 'light'; }")

    def _ready(self, name: str) -> Locator:
        stage = self.page.locator(f".gallery-stage[data-state='{name}']")
        expect(stage).to_have_attribute("data-ready", "true")
        # Rows get their real height, and the list its place, only when they are drawn.
        draw(self.page)
        return stage


def state_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]
