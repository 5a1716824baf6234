"""A browser that is watched, and a page's server for it to look at; every test that wants them may have them."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from tfstore.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

TOKEN = "token-of-the-test"

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def serve_store() -> Iterator[Callable[[Store], str]]:
    """Serve a store's page for as long as the tests run, and return its address."""
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    from tfclient.view.app import create_app

    running: list[tuple[object, threading.Thread, socket.socket]] = []

    def start(store: Store) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        app = create_app(store, token=TOKEN, port=port)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        running.append((server, thread, listener))
        return f"http://127.0.0.1:{port}/{TOKEN}/"

    yield start
    for server, thread, listener in running:
        server.should_exit = True  # type: ignore[attr-defined]
        thread.join(60)
        listener.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium with a profile of its own.

    For one module only: while it is there, no test in its process can run an event loop.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page, and what it did that a page must not do."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.complaints: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in {"error", "warning"} else None
            ),
        )

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page; whatever a script in it complained of, or asked of the network, fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    watched = Watched(context)
    watched.page.set_default_timeout(20_000)
    yield watched
    context.close()
    assert watched.complaints == []
    assert watched.dialogs == []
    outside = [url for url in watched.requests if not url.startswith(("http://127.0.0.1:", "data:", "file:"))]
    assert outside == []


@pytest.fixture
def page(watched: Watched) -> Page:
    """A fresh page that is watched."""
    return watched.page
