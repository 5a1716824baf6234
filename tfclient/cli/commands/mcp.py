"""``tfclient mcp``: the store as tools of a model, over stdin and stdout."""

from __future__ import annotations

from tfclient.cli.failures import Refused
from tfclient.cli.options import StoreOption


def mcp(*, store: StoreOption = None) -> None:
    """Let a coding agent read the store: a server of the Model Context Protocol, over stdin and stdout.

    It lists, reads, searches and compares sessions, and changes none of them. Agents start it themselves: docs/mcp.md
    says how to tell them. The store may come to be later.

    Needs pip install 'tfclient[mcp]'.
    """
    from tfclient.mcp import ExtraMissing
    from tfclient.mcp.serving import serve

    try:
        serve(store)
    except ExtraMissing as error:
        raise Refused(str(error)) from error
