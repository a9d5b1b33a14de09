"""The watch itself: a test that finds nothing proves something only if it would have found it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.site import Site
from tests.browser.test_accessibility import violations
from tests.browser.watching import Watch


def complaints_about(browser: Browser, site: Site, provoke: str) -> str:
    context = browser.new_context(base_url=site.url)
    watch = Watch(context)
    page: Page = context.new_page()
    page.goto("/login/")
    assert watch.complaints == []
    page.evaluate(provoke)
    page.wait_for_function("() => window.done === true")
    context.close()
    return " ".join(watch.complaints)


def test_an_error_is_noticed(browser: Browser, site: Site) -> None:
    provoke = "() => { setTimeout(() => { window.done = true; throw new Error('boom') }) }"
    assert "boom" in complaints_about(browser, site, provoke)


def test_a_refused_style_is_noticed(browser: Browser, site: Site) -> None:
    provoke = """() => {
      document.body.insertAdjacentHTML('beforeend', '<p style="color: red">red</p>');
      window.done = true;
    }"""
    assert "Content Security Policy" in complaints_about(browser, site, provoke)


def test_a_failed_request_is_noticed(browser: Browser, site: Site) -> None:
    provoke = "() => fetch('/nowhere').then(() => { window.done = true })"
    assert "/nowhere: 404" in complaints_about(browser, site, provoke)


def test_axe_finds_what_is_wrong(browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.url)
    page.goto("/login/")
    page.evaluate("document.querySelector('label').remove()")
    assert any(found.startswith("label: ") for found in violations(page))
    page.close()


def test_a_page_is_asked_by_functions() -> None:
    # An expression in a string is evaluated by the page itself when it is not true at the first
    # look, and the site's Content Security Policy refuses that.
    waits_for_text = re.compile(r"""wait_for_function\(\s*f?["'](?!\()""")
    modules = Path(__file__).parent.glob("*.py")
    assert [each.name for each in modules if waits_for_text.search(each.read_text())] == []
