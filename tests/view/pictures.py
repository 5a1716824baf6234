"""The pictures of the page in ``docs/pictures``: ``python -m tests.view.pictures`` makes them anew."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

import uvicorn
from playwright.sync_api import Page, sync_playwright

from tests.browser import CHROMIUM_ARGUMENTS
from tests.d2.sessions import troubled, weather
from tests.view.making import failing, growing, long_session, timed
from tfclient.view.app import create_app
from tfclient.view.server import _listener
from tfstore.store import Store

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
FAILING, LONG = "sess_20260902T091400Z_0000fa11", "sess_20260901T091400Z_00010000"

SHOTS = {
    "page-list": ("", "light"),
    "page-flow": (f"#/s/{FAILING}/flow", "light"),
    "page-request-dark": (f"#/s/{FAILING}/flow/step_1_4", "dark"),
    "page-timeline": (f"#/s/{FAILING}/timeline/step_1_7", "light"),
    "page-transcript-dark": (f"#/s/{FAILING}/transcript/step_1_10", "dark"),
    "page-long": (f"#/s/{LONG}/flow", "light"),
}


def fill(store: Store) -> None:
    """Put in what the pictures show."""
    for session_id, session in (
        (FAILING, failing()),
        (LONG, long_session()),
        ("sess_20260903T091400Z_7f3a9c02", timed(troubled())),
        ("sess_20260902T091400Z_7f3a9c01", timed(weather())),
        ("sess_20260904T101400Z_11fe11fe", growing(2)),
    ):
        session.session_id = session_id
        store.put(session)


def look(page: Page, address: str, name: str, scheme: str) -> None:
    """Take one picture once everything that it shows is there."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(address)
    page.reload()
    page.wait_for_selector(".list-row" if name == "page-list" else ".panel-title")
    if "/flow" in address:
        page.wait_for_selector(".board .is-selected")
    page.wait_for_timeout(300)
    page.screenshot(path=PICTURES / f"{name}.png")


def main() -> None:
    """Serve a store for the pictures and take them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _listener(0) as listener:
        store = Store(Path(folder, "store"), create=True)
        fill(store)
        port = listener.getsockname()[1]
        app = create_app(store, token="pictures", port=port)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with sync_playwright() as playwright:
            program = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 760})
            for name, (place, scheme) in SHOTS.items():
                look(page, f"http://127.0.0.1:{port}/pictures/{place}", name, scheme)
            browser.close()
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
