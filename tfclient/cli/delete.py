"""``tfclient delete``: one session and all that is kept of it."""

from __future__ import annotations

from typing import Annotated

import typer

from tfclient.cli.options import JsonOption, StoreOption


def delete(
    sessions: Annotated[list[str], typer.Argument(metavar="ID...", help="The sessions' whole ids.")],
    *,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete sessions: journal, archive, document, diagram. There is no way back.

    Ids are to be typed in full. Blobs that no other session refers to go with the next `tfclient prune`.

    With --json: {store, deleted: [session_id]}.
    """
    from tfclient.cli.finding import bare_store
    from tfclient.cli.printing import print_json, say

    opened = bare_store(store)
    named = list(dict.fromkeys(sessions))
    for session_id in named:
        # All are looked for before the first is gone.
        opened.known(session_id)
    for session_id in named:
        opened.delete(session_id)
        if not as_json:
            say(f"{session_id} is deleted.")
    if as_json:
        print_json({"store": str(opened.paths.root), "deleted": named})
