"""Find the system's Chromium for the browser tests; run as a script, say so when there is none."""

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# The same without windows: a third less time, but no page kept for the back button, no settings.
HEADLESS = "chromium-headless-shell"
MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium() -> str:
    """Return the browser to start, from CHAT_SESSIONS_CHROMIUM or PATH, or exit saying so."""
    asked = os.environ.get("CHAT_SESSIONS_CHROMIUM")
    for name in [asked] if asked else [*NAMES, *MACOS]:
        if path := shutil.which(name):
            return path
    missing = f"{asked} cannot be run" if asked else "Chromium or Chrome was not found"
    sys.exit(f"The browser tests cannot run: {missing}; install your system's chromium package.")


def fast_chromium() -> str:
    """Return the one without windows where there is one, or the same as ``chromium``."""
    asked = "CHAT_SESSIONS_CHROMIUM" in os.environ
    return (None if asked else shutil.which(HEADLESS)) or chromium()


if __name__ == "__main__":
    chromium()
