"""``tfclient expand``: what a text cuts or folds, whole, in pages."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import notes_on, open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, remark
from tfstore.meant import LAST


def expand(
    session: SessionArgument,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="STEP|RUN|FROM..TO|NOTE",
            help="What a text names: 4.7, run_4, 2.4..2.9, a note; of the latest session, if it stands alone.",
            show_default=False,
        ),
    ] = None,
    *,
    offset: Annotated[
        int, typer.Option("--offset", metavar="N", min=0, help="Characters that were read already.")
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Characters of a page.")] = 8000,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all of a step or a note as JSON, or of a run or of several steps as text, a page at a time.

    Texts that are stored apart stand in it whole. The pages of a step, put together, are its JSON.

    With --json: {session_id, what, text, offset, total, next_offset}; next_offset is null on the last page.
    """
    from attrs import asdict

    from tfclient.errors import SettingError
    from tfclient.reflect.text import expand as expanded

    if what is None:
        session, what = LAST, session
    opened = open_store(store)
    found = opened.get(shown_session(opened, session))
    try:
        page = expanded(found, what, offset, limit, opened.blobs.get, notes_on(opened, found.session_id))
    except SettingError as error:
        raise Refused(
            f"--{error.name} {error.value} cannot be used: give {error.expected}.", USAGE
        ) from error
    if as_json:
        print_json({"session_id": found.session_id, "what": what, **asdict(page)})
        return
    typer.echo(page.text)
    if page.next_offset is not None:
        left = page.total - page.next_offset
        remark(f"{left:,} characters are left: go on with --offset {page.next_offset}.")
