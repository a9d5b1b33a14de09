"""Pictures of every screen: `python -m tests.browser.take_screenshots /tmp/screens`.

Takes the folder to write to, which must lie outside the repository, and builds and starts the
example site for it. Each picture is named screen-width-look.png.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.building import build_site
from tests.browser.chat_page import IDLE, OTHER_QUESTION, QUESTION, Chat, Place
from tests.browser.conftest import Reader, Waiting, launch, places_of
from tests.browser.gallery_page import Gallery
from tests.browser.site import ROOT, Site
from tests.browser.test_interruptions import LEASE
from tests.chromium import chromium

LOOKS = ("light", "dark")
WIDTHS = {1440: 900, 360: 780}


class Camera:
    """One reader of one width and look, and the folder for the pictures."""

    def __init__(self, browser: Browser, site: Site, folder: Path, width: int, look: str) -> None:
        self.site = site
        self.places = places_of(site)
        self._reader = Reader(browser, site)
        size = {"width": width, "height": WIDTHS[width]}
        self._reader.new_context(color_scheme=look, viewport=size, reduced_motion="reduce")
        self._folder = folder
        self._suffix = f"{width}-{look}.png"
        site.forget_chats()

    def chat(self, place: Place) -> Chat:
        chat = self._reader.chat(place)
        chat.page.clock.install()
        return chat

    def take(self, chat: Chat, name: str, *, whole: bool = False) -> None:
        chat.page.evaluate("document.fonts.ready")
        chat.page.screenshot(path=self.path(name), full_page=whole)

    def path(self, name: str) -> Path:
        return self._folder / f"{name}-{self._suffix}"

    def close(self) -> None:
        self._reader.close()


def conversation(camera: Camera) -> None:
    """A subject page from its first moment to a second chat."""
    chat = camera.chat(camera.places["subject"]).open()
    camera.take(chat, "subject-empty")
    chat.converse(QUESTION)
    camera.take(chat, "subject-answered")
    let_pass(camera.site, chat, IDLE - 40)
    expect(chat.status).to_contain_text("pauses in")
    camera.take(chat, "subject-expiring")
    let_pass(camera.site, chat, 60)
    expect(chat.notice).to_be_visible()
    camera.take(chat, "subject-expired")
    chat.reload()
    camera.take(chat, "subject-expired-and-reloaded")
    chat.converse(OTHER_QUESTION)
    chat.page.reload()
    chat.wait()
    camera.take(chat, "subject-resumed")
    chat.open_history()
    expect(chat.rows).to_have_count(2)
    chat.rows.first.hover()
    camera.take(chat, "subject-history")
    chat.row(QUESTION).get_by_role("button").first.click()
    expect(chat.root).to_contain_text("older chat")
    camera.take(chat, "subject-reading-an-older-chat")


def boundary(camera: Camera) -> None:
    """Two chats in one transcript, with the line between them."""
    chat = camera.chat(camera.places["subject"]).open()
    chat.converse(QUESTION)
    let_pass(camera.site, chat, IDLE)
    expect(chat.notice).to_be_visible()
    chat.converse("And what is it for water?")
    chat.boundary.scroll_into_view_if_needed()
    camera.take(chat, "subject-boundary")


def other_pages(camera: Camera) -> None:
    """The plain page and the start page, whole."""
    chat = camera.chat(camera.places["plain"]).open()
    camera.take(chat, "plain-empty", whole=True)
    chat.converse(QUESTION)
    camera.take(chat, "plain-answered")
    chat.open_history()
    expect(chat.rows).to_have_count(1)
    camera.take(chat, "plain-history")
    chat.reload()
    camera.take(chat, "plain-whole", whole=True)
    chat.page.locator("summary", has_text="All my chats").click()
    camera.take(chat, "plain-dropdown")
    chat.page.get_by_role("navigation", name="All my chats").get_by_role("link").first.click()
    camera.take(chat, "page-without-script", whole=True)
    chat.page.goto("/")
    camera.take(chat, "home", whole=True)
    chat.page.goto("/login/")
    camera.take(chat, "login")


def gallery(camera: Camera) -> None:
    """Every state of the gallery, each as large as it is, and the list of them."""
    pictured = Gallery(camera.chat(camera.places["subject"]).page).open()
    pictured.page.screenshot(path=camera.path("gallery"), full_page=True)
    for name, stage in pictured.walk():
        if stage.get_attribute("data-room") == "page":
            pictured.page.screenshot(path=camera.path(f"gallery-{name}"))
        else:
            stage.screenshot(path=camera.path(f"gallery-{name}"))


def running_answers(camera: Camera) -> None:
    """What is seen while an answer is awaited, written and lost, and without a connection."""
    site = camera.site
    assert isinstance(site, Waiting)
    chat = camera.chat(camera.places["subject"]).open()
    chat.ask(QUESTION)
    site.model.wait_until_asked()
    expect(chat.status).to_have_text("Thinking…")
    camera.take(chat, "subject-thinking")
    site.model.go_on("Warmth is energy on the move. ")
    expect(chat.status).to_have_text("Writing an answer…")
    camera.take(chat, "subject-writing")
    chat.root.get_by_role("button", name="Stop").click()
    expect(chat.answers.last).to_contain_text("stopped")
    camera.take(chat, "subject-stopped")
    chat.answers.last.get_by_role("button", name="Ask again").click()
    site.model.wait_until_asked()
    site.restart(signal.SIGKILL)  # a living worker would renew its lease
    site.let_pass(LEASE)
    expect(chat.answers.last).to_contain_text("interrupted")
    camera.take(chat, "subject-interrupted")
    site.model.reset()


def answers_elsewhere(camera: Camera) -> None:
    """An answer to a chat that is not looked at, and one whose server goes away."""
    site = camera.site
    assert isinstance(site, Waiting)
    chat = camera.chat(camera.places["subject"]).open()
    chat.ask(QUESTION)
    site.model.wait_until_asked()
    chat.new_chat.click()
    expect(chat.messages).to_have_count(0)
    site.model.finish("Warmth is energy on the move [1].")
    chat.open_history()
    expect(chat.row(QUESTION)).to_contain_text("New answer")
    camera.take(chat, "subject-unread")
    chat.page.keyboard.press("Escape")
    chat.ask(OTHER_QUESTION)
    site.model.wait_until_asked()
    site.model.go_on("Warmth is energy on the move. ")
    expect(chat.status).to_have_text("Writing an answer…")
    site.stop(signal.SIGKILL)
    expect(chat.status).to_have_text("Reconnecting…")
    camera.take(chat, "subject-reconnecting")
    site.model.reset()
    site.start()
    site.forget_chats()
    chat = camera.chat(camera.places["subject"]).open()
    chat.page.context.set_offline(True)
    chat.ask(OTHER_QUESTION)
    expect(chat.own.last).to_contain_text("Waiting for the connection")
    camera.take(chat, "subject-offline")


def let_pass(site: Site, chat: Chat, seconds: int) -> None:
    site.let_pass(seconds)
    chat.page.clock.fast_forward(seconds * 1000)


Story = Callable[[Camera], None]
QUICK: list[Story] = [conversation, boundary, other_pages, gallery]
SLOW: list[Story] = [running_answers, answers_elsewhere]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write them, outside the repository")
    folder: Path = parser.parse_args().folder.resolve()
    if folder.is_relative_to(ROOT):
        sys.exit("Pictures do not belong into the repository; name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    build_site()
    with tempfile.TemporaryDirectory() as quick, tempfile.TemporaryDirectory() as slow:
        site, waiting = Site(Path(quick), XP_ANSWER_PACE="0"), Waiting(Path(slow))
        site.prepare()
        waiting.prepare_like(site)
        try:
            site.start()
            waiting.start()
            with sync_playwright() as playwright:
                browser = launch(playwright.chromium, chromium())
                photograph(browser, site, QUICK, folder)
                photograph(browser, waiting, SLOW, folder)
                browser.close()
        finally:
            site.stop()
            waiting.stop()
            waiting.model.close()


def photograph(browser: Browser, site: Site, stories: list[Story], folder: Path) -> None:
    for width in WIDTHS:
        for look in LOOKS:
            for story in stories:
                camera = Camera(browser, site, folder, width, look)
                story(camera)
                camera.close()


if __name__ == "__main__":
    main()
