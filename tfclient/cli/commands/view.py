"""``tfclient view``: the page, served to this machine until it is interrupted."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.failures import Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import CostOption, JsonOption, PricesOption, StoreOption, price_of
from tfclient.cli.printing import remark, say


def view(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|last]", help="The session to open with; without one, the list of them all."
        ),
    ] = None,
    *,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, help="Which port; without it, a free one.", show_default=False
        ),
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open it in the browser.")] = True,
    read_only: Annotated[bool, typer.Option("--read-only", help="Let nobody write notes in it.")] = False,
    cost: CostOption = False,
    prices: PricesOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show sessions in the browser: the flow, a timeline, the transcript, every step.

    The page is served on 127.0.0.1 only, and at an address that nobody can guess. All that it can write is notes.

    Needs pip install 'tfclient[view]'; the flow needs the d2 program too (pip install 'tfclient[d2]').

    With --json: {address, session_id} on one line as soon as the page can be opened.
    """
    from tfclient.view import ViewError, serve
    from tfstore.document.json_text import compact

    def ready(address: str) -> None:
        if as_json:
            # Whoever waits for it reads a line.
            say(compact({"address": address, "session_id": session_id}).decode())
        else:
            say(address)
            remark("Press Ctrl-C to stop.")

    price = price_of(cost=cost, prices=prices)
    opened = open_store(store)
    session_id = None if session is None else shown_session(opened, session)
    try:
        serve(
            opened, session_id, port=port, open_browser=browser, read_only=read_only, price=price, ready=ready
        )
    except ViewError as error:
        raise Refused(str(error)) from error
