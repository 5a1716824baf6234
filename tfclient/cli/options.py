"""Arguments and options that several commands take, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def known_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer session ids to the shell; whatever is wrong, completion says nothing."""
    try:
        from tfclient.settings import directory_to_read
        from tfstore.store import Store

        ids = Store(directory_to_read(ctx.params.get("store"))).ids()
    except Exception:  # noqa: BLE001 - a shell waiting for a completion is no place for errors
        return []
    return [each for each in ("last", *reversed(ids)) if each.startswith(incomplete)]


StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", metavar="PATH", help="The store's folder; else THOUGHTFLOW_DIR, else .thoughtflow here or above."
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]

SessionArgument = Annotated[
    str,
    typer.Argument(
        metavar="[ID|last]",
        show_default=False,
        help="A session's id, the start of one or of its last part; `last`, the latest, if none is given.",
        autocompletion=known_ids,
    ),
]
