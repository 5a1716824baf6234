"""``tfclient mcp``: the store as tools of a model, over stdin and stdout."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.failures import Refused
from tfclient.cli.options import StoreOption


def mcp(
    *,
    notes: Annotated[
        bool,
        typer.Option("--notes", help="Let models propose changes of instructions; only people confirm them."),
    ] = False,
    store: StoreOption = None,
) -> None:
    """Let a coding agent read the store: a server of the Model Context Protocol, over stdin and stdout.

    It lists, reads, searches and compares sessions, and changes none of them. With --notes, models also propose
    changes of instructions: `tfclient adapt`. Agents start it themselves: docs/mcp.md
    says how to tell them. The store may come to be later.

    Needs pip install 'tfclient[mcp]'.
    """
    from tfclient.mcp import ExtraMissing
    from tfclient.mcp.serving import serve

    try:
        serve(store, propose=notes)
    except ExtraMissing as error:
        raise Refused(str(error)) from error
