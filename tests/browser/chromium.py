"""Finds a Chromium for the browser tests, or installs one: `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a browser on this machine: one on the PATH, else Playwright's own."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def install_chromium() -> None:
    """Debian's package where this may be done, else Playwright's download."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium-headless-shell", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
        attempts.insert(
            0, ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        )
    for attempt in attempts:
        done = subprocess.run(attempt, check=False, stdout=subprocess.DEVNULL)
        if done.returncode == 0 and find_chromium():
            return


def main() -> int:
    if find_chromium() is None:
        install_chromium()
    found = find_chromium()
    if found is None:
        sys.stderr.write(
            "The browser tests need Chromium, and none could be installed: put `chromium` on the PATH "
            "(Debian, Ubuntu: apt-get install chromium), or run `.venv/bin/playwright install chromium`.\n"
        )
        return 1
    sys.stdout.write(f"browser: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
