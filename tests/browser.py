"""Real Chromium for tests of pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Visit:
    """A page that was opened: what it said on the console, asked for, and where it went."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        raise RuntimeError(f"no browser found: install one of {', '.join(_NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(
    browser: Browser,
    file: Path,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1280,
    unguarded: bool = False,
) -> Iterator[Visit]:
    """`file` opened in a context of its own, loaded in full; unguarded by its own policy."""
    context = browser.new_context(
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        offline=True,
        bypass_csp=unguarded,
    )
    try:
        visit = Visit(context.new_page())
        visit.page.on("console", lambda message: visit.console.append(message.text))
        visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visit.page.on("framenavigated", lambda frame: visit.places.append(frame.url))
        visit.page.on(
            "dialog", lambda dialog: (visit.dialogs.append(dialog.message), dialog.dismiss())
        )
        visit.page.goto(file.as_uri())
        visit.page.wait_for_load_state("networkidle")
        yield visit
    finally:
        context.close()
