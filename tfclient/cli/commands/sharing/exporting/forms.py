"""Sessions as files in the forms of other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import typer
from attrs import define, field, frozen

from tfclient.cli.commands.sharing.targets import write_out
from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.printing import complain, print_json, remark, say

if TYPE_CHECKING:
    from pathlib import Path

    from tfclient.export.cassettes import Cassette
    from tfclient.otlp.messages import Content
    from tfstore.document.documents import Session
    from tfstore.reading.calls.costs import Price
    from tfstore.store import Store


@frozen
class Wanted:
    """How the file is to be: of which sessions, where, and what is to be in it."""

    session_ids: list[str]
    output: Path | None
    force: bool
    as_json: bool
    content: Content
    whole_session: bool
    inline: bool


@define
class Made:
    """A file's content, and what is to be told of it."""

    data: bytes
    rows: int
    left_out: list[str] = field(factory=list[str])


@define
class Reading:
    """The sessions of a file, one by one; those that cannot be read are told and passed over."""

    store: Store
    wanted: Wanted
    price: Price | None
    troubles: list[str] = field(factory=list[str])
    count: int = 0

    def __iter__(self) -> Iterator[Session]:
        from tfstore.errors import StoreError

        for session_id in self.wanted.session_ids:
            try:
                session = self.store.get(session_id)
            except StoreError as error:
                self.troubles.append(str(error))
                continue
            self.count += 1
            yield session


def write(store: Store, form: str, wanted: Wanted, price: Price | None) -> None:
    """Write the file, and say what of the sessions is not in it.

    Raises:
        Refused: there is nothing to be written, or it cannot be written there.
        typer.Exit: a session could not be read.
    """
    if form == "vcr":
        _cassette(store, wanted)
        return
    make, ending, one = _FORMS[form]
    if one and len(wanted.session_ids) > 1:
        raise Refused(f"{form} holds one session, and {len(wanted.session_ids)} are meant: name one.", USAGE)
    reading = Reading(store, wanted, price)
    made = make(reading)
    name = wanted.session_ids[0] if len(wanted.session_ids) == 1 else "sessions"
    target = None
    if reading.count:
        target = write_out(made.data, wanted.output, f"{name}{ending}", force=wanted.force)
    for trouble in reading.troubles:
        complain(trouble)
    if wanted.as_json and reading.count:
        told: dict[str, Any] = {"path": str(target), "sessions": reading.count, "rows": made.rows}
        print_json({**told, "left_out": made.left_out})
    elif target is not None:
        for each in made.left_out:
            remark(each)
        say(str(target))
    if reading.troubles:
        raise typer.Exit(WRONG)


def _otlp_json(reading: Reading) -> Made:
    import os

    from tfclient.otlp.encoding import json_of
    from tfclient.otlp.exporting import finder, resource_of
    from tfclient.otlp.parts import Reader
    from tfclient.otlp.tree import Options, spans_of
    from tfstore.document.json_text import compact

    store, wanted = reading.store, reading.wanted
    reader = Reader(store.blobs.get, wanted.inline)
    options = Options(wanted.content, wanted.whole_session, reader, reading.price, finder(store))
    resource = resource_of(store, os.environ.get("OTEL_SERVICE_NAME", "").strip())
    lines: list[bytes] = []
    count = 0
    for session in reading:
        spans = list(spans_of(session, store.store_id, options))
        count += len(spans)
        lines.append(compact(json_of(spans, resource)) + b"\n")
    return Made(b"".join(lines), count)


def _cassette(store: Store, wanted: Wanted) -> None:
    """Write a session's exchanges for vcrpy: of its journal, not of its document."""
    from attrs import asdict

    from tfclient.cli.finding import shown_session
    from tfclient.export.cassettes import cassette_of

    if len(wanted.session_ids) > 1:
        raise Refused(
            f"A cassette holds one session, and {len(wanted.session_ids)} are meant: name one.", USAGE
        )
    session_id = shown_session(store, wanted.session_ids[0])
    made = cassette_of(store.journal(session_id)[0])
    if not made.interactions:
        raise Refused(
            f"Session {session_id} has no answer in its journal: there is nothing to be played.", WRONG
        )
    target = write_out(made.text().encode(), wanted.output, f"{session_id}.yaml", force=wanted.force)
    if wanted.as_json:
        left_out = [asdict(each) for each in made.left_out]
        told = {"session_id": session_id, "path": str(target), "exchanges": len(made.interactions)}
        print_json({**told, "left_out": left_out})
        return
    _tell(made)
    if target is not None:
        say(str(target))


def _tell(made: Cassette) -> None:
    from tfstore.reading.figures import counted

    for each in made.left_out:
        complain(f"Left out: the {each.what} of {each.exchange_id}: {each.why}.", "yellow")
    remark(
        f"{counted(len(made.interactions), 'exchange')}; `tfclient import FILE` makes a session of it again."
    )


_FORMS: Final[dict[str, tuple[Callable[[Reading], Made], str, bool]]] = {
    "otlp-json": (_otlp_json, ".otlp.jsonl", False),
}
"""What makes each, how its name ends, and whether it holds one session only."""
