"""A store with something to look at, the page's application over it, and a browser to look with."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.view.making import failing, growing, hostile, long_session
from tfd2 import CompilerMissing, find_compiler
from tfstore.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page
    from starlette.testclient import TestClient

TOKEN = "token-of-the-test"
FAILING = "sess_20260902T091400Z_7f3a9c01"
LONG = "sess_20260901T091400Z_00010000"
HOSTILE = "sess_20260902T091400Z_bad0bad0"
GROWING = "sess_20260902T101400Z_11fe11fe"

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
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a failing, a very long and a hostile session; nobody writes to it."""
    store = Store(tmp_path_factory.mktemp("view") / "store", create=True)
    long = long_session()
    long.session_id = LONG
    for session in (failing(), long, hostile(), growing(2)):
        store.put(session)
    return store


@pytest.fixture
def client(full_store: Store) -> Iterator[TestClient]:
    """A client that knows the token; its addresses are relative to the page's."""
    yield from _client(full_store)


@pytest.fixture
def client_of() -> Callable[[Store], TestClient]:
    """Return a client of another store."""
    return lambda store: next(_client(store))


def _client(store: Store) -> Iterator[TestClient]:
    testing = pytest.importorskip("starlette.testclient", reason="starlette's test client is not installed")
    from tfclient.view.app import create_app

    app = create_app(store, token=TOKEN)
    yield testing.TestClient(app, base_url=f"http://127.0.0.1/{TOKEN}/", raise_server_exceptions=True)


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
        thread.join(10)
        listener.close()


@pytest.fixture(scope="session")
def address(full_store: Store, serve_store: Callable[[Store], str]) -> str:
    """The address of the full store's page."""
    return serve_store(full_store)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium with a profile of its own."""
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


@pytest.fixture
def d2_program() -> Path:
    """The d2 program; without it, what needs it is skipped."""
    try:
        return find_compiler()
    except CompilerMissing as error:
        pytest.skip(str(error))
