"""Find the system's Chromium for the browser tests; run as a script, say so when there is none."""

import os
import shutil
import sys

# Without windows it is the same Chromium, and takes a third less time.
HEADLESS = "chromium-headless-shell"
WITH_WINDOWS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def chromium() -> str:
    """Return the browser to start, from CHAT_SESSIONS_CHROMIUM or PATH, or exit saying so."""
    asked = os.environ.get("CHAT_SESSIONS_CHROMIUM")
    for name in [asked] if asked else [HEADLESS, *WITH_WINDOWS, *MACOS]:
        if path := shutil.which(name):
            return path
    missing = f"{asked} cannot be run" if asked else "Chromium or Chrome was not found"
    sys.exit(f"The browser tests cannot run: {missing}; install your system's chromium package.")


if __name__ == "__main__":
    chromium()
