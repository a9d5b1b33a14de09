"""Fixtures: the example site in a process of its own, Chromium, and readers who come to it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from tests.browser.building import build_site
from tests.browser.chat_page import Chat, Place
from tests.browser.language_model import LanguageModel
from tests.browser.site import PASSWORD, STUDENT, Site
from tests.browser.watching import Watch
from tests.chromium import chromium, fast_chromium

SUBJECT = "physics"
# Nothing of a browser that is not needed here, and nothing that asks the network.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=10_000)
# Names the folder of a site that has been prepared for all workers.
PREPARED = "CHAT_SESSIONS_PREPARED_SITE"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Build and prepare before there are workers, which would all do it at once."""
    build_site()
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    Site(Path(folder.name)).prepare()
    os.environ[PREPARED] = folder.name


@pytest.fixture(scope="session")
def built() -> None:
    """The React client, built from what the repository holds now."""
    build_site()


@pytest.fixture(scope="session")
def site(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site as a person would start it; its answers come at once."""
    running = Site(tmp_path_factory.mktemp("site"), XP_ANSWER_PACE="0")
    if prepared := os.environ.get(PREPARED):
        running.prepare_like(Site(Path(prepared)))
    else:
        running.prepare()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def waiting(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    """The same site, answered by a language model that waits for the test."""
    running = Waiting(tmp_path_factory.mktemp("waiting"))
    running.prepare_like(site)
    running.start()
    yield running
    running.stop()
    running.model.close()


class Waiting(Site):
    """A site whose answers wait for the test."""

    def __init__(self, folder: Path) -> None:
        self.model = LanguageModel()
        super().__init__(folder, XP_LLM_URL=self.model.url, XP_LLM_MODEL="test")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = launch(playwright.chromium, fast_chromium())
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def whole_browser(browser: Browser) -> Iterator[Browser]:
    """The browser as people have it, for what no other one does."""
    launched = launch(browser.browser_type, chromium())
    yield launched
    launched.close()


def arguments() -> list[str]:
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*ARGUMENTS, *as_root]


def launch(kind: BrowserType, executable: str) -> Browser:
    return kind.launch(
        executable_path=executable,
        args=arguments(),
        # People's browsers keep pages for the back button; playwright would turn that off.
        ignore_default_args=["--disable-back-forward-cache"],
    )


class Reader:
    """A browser profile of one person at one site: its pages share cookies and storage."""

    def __init__(self, browser: Browser, site: Site, known_as: StorageState | None = None) -> None:
        self.site = site
        self._browser = browser
        self._known_as = known_as
        self._contexts: list[BrowserContext] = []
        self._watches: list[Watch] = []
        self.provoked: list[str] = []
        self.context = self.new_context()

    def provokes(self, *fragments: str) -> None:
        """A complaint that holds one of these is what the test is about."""
        self.provoked.extend(fragments)

    def new_context(self, **options: Any) -> BrowserContext:
        """Another device, or the same one with other options; the reader goes on with it."""
        self.context = self._browser.new_context(
            base_url=self.site.url, storage_state=self._known_as, locale="en-GB", **options
        )
        self._contexts.append(self.context)
        self._watches.append(Watch(self.context))
        return self.context

    def chat(self, place: Place, page: Page | None = None) -> Chat:
        """The chat of a place, in a new tab unless a page is given."""
        return Chat(page or self.context.new_page(), place)

    def close(self) -> list[str]:
        """Close all tabs; return what they complained about."""
        for context in self._contexts:
            context.close()
        return [complaint for watch in self._watches for complaint in watch.complaints]


@pytest.fixture(scope="session")
def student_state(browser: Browser) -> Callable[[Site], StorageState]:
    """The cookies of somebody who has logged in; each site is logged in to once."""
    states: dict[str, StorageState] = {}

    def state(site: Site) -> StorageState:
        if site.url not in states:
            context = browser.new_context(base_url=site.url)
            page = context.new_page()
            log_in(page)
            states[site.url] = context.storage_state()
            context.close()
        return states[site.url]

    return state


def log_in(page: Page) -> None:
    page.goto("/login/")
    page.get_by_label("Name").fill(STUDENT)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


MakeReader = Callable[..., Reader]


@pytest.fixture
def make_reader(
    browser: Browser, student_state: Callable[[Site], StorageState]
) -> Iterator[MakeReader]:
    """Readers of a site. Afterwards neither their pages nor the server may have complained."""
    readers: list[Reader] = []
    logs: dict[str, tuple[Site, int]] = {}

    def make(site: Site, who: str = "visitor", within: Browser = browser) -> Reader:
        if site.url not in logs:
            site.start()  # a test that failed may have left it stopped
            site.forget_chats()
            logs[site.url] = (site, site.log_size())
        reader = Reader(within, site, student_state(site) if who == "student" else None)
        readers.append(reader)
        return reader

    yield make
    complaints = [complaint for reader in readers for complaint in reader.close()]
    for site, offset in logs.values():
        if isinstance(site, Waiting):
            site.model.reset()
        site.settle()
        complaints += site.complaints_since(offset).splitlines()
    provoked = [fragment for reader in readers for fragment in reader.provoked]
    assert [one for one in complaints if not any(part in one for part in provoked)] == []


# Each kind of reader and each kind of page once, where all four pairs would prove no more.
each_once = pytest.mark.parametrize(
    ("who", "place"), [("visitor", "subject"), ("student", "plain")], indirect=True
)


@pytest.fixture(params=["visitor", "student"])
def who(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def places(site: Site) -> dict[str, Place]:
    return places_of(site)


def places_of(site: Site) -> dict[str, Place]:
    """The pages with a chat. All sites have the same subjects under the same numbers."""
    number = site.subject(SUBJECT)
    return {
        "subject": Place("subject", f"/subjects/{number}/", "XP", "Your chats"),
        "plain": Place("plain", f"/plain/?subject={SUBJECT}", "Assistant", "Chats"),
    }


@pytest.fixture(params=["subject", "plain"])
def place(request: pytest.FixtureRequest, places: dict[str, Place]) -> Place:
    return places[request.param]


@pytest.fixture
def subject(places: dict[str, Place]) -> Place:
    """The page with the site's own React client, where one kind of page proves enough."""
    return places["subject"]


@pytest.fixture
def reader(make_reader: MakeReader, site: Site, who: str) -> Reader:
    """A visitor and, again, a student."""
    return make_reader(site, who)


@pytest.fixture
def visitor(make_reader: MakeReader, site: Site) -> Reader:
    return make_reader(site)


@pytest.fixture
def visitor_with_windows(make_reader: MakeReader, site: Site, whole_browser: Browser) -> Reader:
    return make_reader(site, within=whole_browser)
