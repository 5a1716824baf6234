"""Serving the page: on this machine only, until somebody stops it."""

from __future__ import annotations

import contextlib
import socket
import webbrowser
from collections.abc import Callable
from typing import Final

from tfclient.view.error_pages import ExtraMissing, PortInUse
from tfclient.view.guard import new_token
from tfstore.protocols import Reading
from tfstore.reading.calls.costs import Price

HOST: Final = "127.0.0.1"


def serve(
    store: Reading,
    session_id: str | None = None,
    *,
    port: int = 0,
    open_browser: bool = True,
    read_only: bool = False,
    price: Price | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page on 127.0.0.1 until it is interrupted.

    Args:
        store: what to show.
        session_id: the session to open with, ``last`` for the latest, none for the list.
        port: which port; 0 takes a free one.
        open_browser: open the page in the user's browser.
        read_only: let the page write no notes.
        price: tells what calls cost, if that is to be shown.
        ready: told the page's address as soon as it can be opened; without it, the address is printed.

    Raises:
        UnknownSession: there is no such session.
        CorruptDocument, NewerDocument: it cannot be read.
        PortInUse: the port is taken.
        ExtraMissing: a package of ``tfclient[view]`` is not installed.
    """
    try:
        import uvicorn

        from tfclient.view.app import create_app
        from tfclient.view.page import served_page
    except ImportError as error:
        raise ExtraMissing(error.name or "starlette") from error
    start = store.last() if session_id == "last" else session_id or ""
    if start:
        store.get(start)
    served_page(start)
    token = new_token()
    with _listener(port) as listener:
        number = listener.getsockname()[1]
        address = f"http://{HOST}:{number}/{token}/"
        config = uvicorn.Config(
            create_app(store, token=token, start=start, port=number, read_only=read_only, price=price),
            access_log=False,
            log_level="warning",
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
        (ready or _say)(address)
        if open_browser:
            webbrowser.open(address)
        # Ctrl-C is how it is meant to end.
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        # Listening already: a browser that is quicker than the server waits instead of failing.
        listener.listen(64)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PortInUse(port, getattr(error, "strerror", None) or str(error)) from error
    return listener


def _say(address: str) -> None:
    print(f"The page is at {address}\nPress Ctrl-C to stop.", flush=True)  # noqa: T201 - a command's output
