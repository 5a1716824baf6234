"""Arguments and options that several commands take, said once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from tfstore.reading.calls.costs import Price
    from tfstore.store import Store

_MOST: Final = 200
"""Names that are offered at most."""

_SOON_READ: Final = 20_000_000
"""Bytes of a document that is read for the names of its steps."""

_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@+-]*", re.ASCII)


def known_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer session ids to the shell; whatever is wrong, completion says nothing."""

    def ids(store: Store) -> Iterable[str]:
        from tfstore.reading.naming import short_id

        every = store.ids()[::-1]
        meant = [each for each in every if each.startswith(incomplete)] if incomplete else []
        return ("last", *map(short_id, every), *meant)

    return _known(ctx, incomplete, ids, most=None)


def known_steps(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the steps of the session that was typed before: ``2.8``."""
    try:
        from tfclient.cli.finding import bare_store
        from tfstore.meant import LAST, find_session
        from tfstore.reading.naming import short_step

        store = bare_store(ctx.params.get("store"), "completion")
        session_id = find_session(store, ctx.params.get("session") or LAST)
        if store.paths.document(session_id).stat().st_size > _SOON_READ:
            return []
        steps = [short_step(each.step_id) for run in store.get(session_id).runs for each in run.steps]
    except Exception:  # noqa: BLE001 - as below
        return []
    return _harmless(steps, incomplete)[:_MOST]


def known_tools(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer names of tools that were called."""
    return _known(ctx, incomplete, lambda store: [name for name, _ in store.names("tool", _MOST)])


def known_models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer names of models that were called."""
    return _known(ctx, incomplete, lambda store: [name for name, _ in store.names("model", _MOST)])


def known_tags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer tags that sessions were noted with."""

    def tags(store: Store) -> Iterable[str]:
        from tfstore.reading.noted import Marks

        counts = Marks.of(note for notes in store.noted().values() for note in notes).tags
        return sorted(counts, key=lambda tag: (-counts[tag], tag))

    return _known(ctx, incomplete, tags)


def known_lessons(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer ids of lessons, those seen most first."""
    return _known(ctx, incomplete, lambda store: [row["lesson_id"] for row in store.learnings.lessons()])


def known_adaptations(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer ids of adaptations, those proposed last first."""

    def ids(store: Store) -> Iterable[str]:
        return [row["adaptation_id"] for row in reversed(store.learnings.adaptations())]

    return _known(ctx, incomplete, ids)


def _known(
    ctx: typer.Context, incomplete: str, names: Callable[[Store], Iterable[str]], most: int | None = _MOST
) -> list[str]:
    """Offer what the store that was typed before names; nothing if there is none, or something is wrong with it."""
    try:
        from tfclient.settings import directory_to_read
        from tfstore.store import Store

        found = dict.fromkeys(names(Store(directory_to_read(ctx.params.get("store")))))
    except Exception:  # noqa: BLE001 - a shell waiting for a completion is no place for errors
        return []
    return _harmless(found, incomplete)[:most]


def _harmless(names: Iterable[str], incomplete: str) -> list[str]:
    """Return those that begin so and that mean nothing but themselves to any shell.

    Others are not offered: completion scripts evaluate what they are given, and so does the shell once it is typed.
    """
    return [each for each in names if each.startswith(incomplete) and _WORD.fullmatch(each)]


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH|URL",
        help="The store's folder, or a postgresql:// address; else THOUGHTFLOW_DIR, else .thoughtflow here or above.",
    ),
]

SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="Of a database, only what the store of this name sent: as ?source=NAME in its address.",
        show_default=False,
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else.")]

CostOption = Annotated[
    bool,
    typer.Option(
        "--cost", help="With what calls cost, by the list prices of genai-prices: tfclient\\[cost]."
    ),
]

PricesOption = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="Costs by a table of your own (JSON); with --cost, before the list prices.",
        show_default=False,
    ),
]

ONE_SESSION: Final = typer.Argument(
    metavar="[ID|last]",
    show_default=False,
    help="A session's id, the start of one or of its last part; `last`, the latest, if none is given.",
    autocompletion=known_ids,
)

SessionArgument = Annotated[str, ONE_SESSION]

RunOption = Annotated[
    int | None, typer.Option("--run", metavar="N", min=1, help="Only this run.", show_default=False)
]


def price_of(*, cost: bool, prices: Path | None) -> Price | None:
    """Return what tells the dollars of a call; None where nobody asked for costs.

    Raises:
        BadPrices: the table that was given is none.
        PackageMissing: list prices are asked for, and what has them is not installed.
    """
    if not cost and prices is None:
        return None
    from tfclient.prices import prices as prices_of

    return prices_of(prices, built_in=cost)
