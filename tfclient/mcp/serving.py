"""Serving a store over stdin and stdout until whoever started the server goes away."""

from __future__ import annotations

import contextlib
import os

from tfclient.mcp import ExtraMissing
from tfclient.mcp.opened import Opened


def serve(path: str | os.PathLike[str] | None = None, *, propose: bool = False) -> None:
    """Serve a store as tools of a model.

    Args:
        path: the store's folder; it may come to be later.
        propose: let models propose adaptations, which only people can confirm.

    Raises:
        ExtraMissing: the official SDK is not installed, or an older one.
        SettingError, StoreUnusable: there can be no store at this path.
    """
    try:
        from tfclient.mcp.server import server_for
    except ImportError as error:
        raise ExtraMissing(f"{error.name or 'mcp'} is missing, or another version") from error
    opened = Opened(path)
    opened.check()
    # Ctrl-C is how a person ends it.
    with contextlib.suppress(KeyboardInterrupt):
        server_for(opened, propose=propose).run("stdio")
