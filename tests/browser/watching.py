"""Everything a page complains about: the console, the network, the security policy."""

from __future__ import annotations

import logging

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# What was said to the chat's API; pytest shows it below a test that fails.
traffic = logging.getLogger("traffic")
traffic.setLevel(logging.INFO)


class Watch:
    """Collects the complaints of all pages of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def _failed(self, request: Request) -> None:
        # A page that is left takes its requests back; that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        request = response.request
        if "/chat/" in response.url:
            traffic.info("%s %s: %s", request.method, response.url, response.status)
        if response.status >= 400:
            self.complaints.append(f"{request.method} {response.url}: {response.status}")
