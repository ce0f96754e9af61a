"""Chromium for the browser's tests: Debian's package, which must be there."""

import os
import shutil

import pytest
from playwright.sync_api import Page

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not found:
        # Fail, not skip: a suite that silently leaves the browser out proves nothing.
        pytest.fail("Chromium is missing; install Debian's package or set CHROMIUM.")
    return {**browser_type_launch_args, "executable_path": found, "args": ARGS}


@pytest.fixture
def sign_in(live_server, browser):
    """Open a page as a person, each in a browser session of their own."""
    contexts = []

    def open_as(username: str, path: str = "/", *, width: int = 1440) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(live_server.url + "/login/")
        page.locator("[name=username]").fill(username)
        page.locator("[name=password]").fill("secret-words")
        page.locator("form button[type=submit]").last.click()
        page.wait_for_url(lambda url: "/login/" not in url)
        page.goto(live_server.url + path)
        return page

    yield open_as
    for context in contexts:
        context.close()
