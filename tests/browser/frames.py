"""Waiting for what a page draws, by its frames and not by the clock."""

from __future__ import annotations

from playwright.sync_api import Page

DRAW = """(frames) => new Promise((drawn) => {
    const next = () => (frames-- > 0 ? requestAnimationFrame(next) : drawn());
    next();
})"""


def draw(page: Page, frames: int = 2) -> None:
    """Come back when the page has drawn so many frames more."""
    page.evaluate(DRAW, frames)
