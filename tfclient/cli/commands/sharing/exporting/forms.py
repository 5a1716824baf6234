"""Sessions as files in the forms of other tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import typer
from attrs import define, field, frozen

from tfclient.cli.commands.sharing.targets import STDOUT, target_of, write_out, write_pieces, writing
from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.printing import complain, print_json, remark, say
from tfstore.meant import on_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tfclient.export.cassettes import Cassette
    from tfclient.otlp.messages import Content
    from tfclient.otlp.parts import Reader
    from tfstore.document.documents import Json, Session
    from tfstore.protocols import Reading as AnyStore
    from tfstore.reading.calls.costs import Price


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
class Reading:
    """The sessions of a file, one by one; those that cannot be read are told and passed over.

    ``rows`` counts what was written of them, ``left_out`` by kind what has no place in the form.
    """

    store: AnyStore
    wanted: Wanted
    price: Price | None
    reader: Reader
    troubles: list[str] = field(factory=list[str])
    sessions: int = 0
    rows: int = 0
    left_out: Counter[str] = field(factory=Counter[str])

    def __iter__(self) -> Iterator[Session]:
        from tfstore.errors import StoreError

        for session_id in self.wanted.session_ids:
            try:
                session = self.store.get(session_id)
            except StoreError as error:
                self.troubles.append(str(error))
                continue
            self.sessions += 1
            yield session


def write(store: AnyStore, form: str, wanted: Wanted, price: Price | None) -> None:
    """Write the file, and say what of the sessions is not in it.

    Raises:
        Refused: there is nothing to be written, or it cannot be written there.
        typer.Exit: a session could not be read.
    """
    from tfclient.otlp.parts import Reader

    if form in _OF_THEIR_OWN:
        _OF_THEIR_OWN[form](store, wanted)
        return
    make, ending, one = _FORMS[form]
    if one and len(wanted.session_ids) > 1:
        raise Refused(f"{form} holds one session, and {len(wanted.session_ids)} are meant: name one.", USAGE)
    reading = Reading(store, wanted, price, Reader(store.blobs.get, wanted.inline))
    name = wanted.session_ids[0] if len(wanted.session_ids) == 1 else "sessions"
    target = write_pieces(make(reading), wanted.output, f"{name}{ending}", force=wanted.force)
    for trouble in reading.troubles:
        complain(trouble)
    if wanted.as_json:
        told: dict[str, Any] = {"path": str(target), "sessions": reading.sessions, "rows": reading.rows}
        print_json({**told, "left_out": dict(reading.left_out)})
    elif target is not None:
        if reading.left_out:
            remark(f"Left out: {', '.join(f'{kind} ×{n:,}' for kind, n in reading.left_out.most_common())}.")
        if form in _TO_BE_SHARED:
            remark(
                "Before it is shared: what people and tools said is in it. `tfclient bundle --redact` takes out more."
            )
        say(str(target))
    if reading.troubles:
        raise typer.Exit(WRONG)


def _otlp_json(reading: Reading) -> Iterator[bytes]:
    import os

    from tfclient.otlp.encoding import json_of
    from tfclient.otlp.exporting import finder, resource_of
    from tfclient.otlp.options import Options
    from tfclient.otlp.tree import spans_of
    from tfstore.document.json_text import compact

    store, wanted = on_disk(reading.store), reading.wanted
    assert store is not None  # noqa: S101 - the command looked
    options = Options(wanted.content, wanted.whole_session, reading.reader, reading.price, finder(store))
    resource = resource_of(store, os.environ.get("OTEL_SERVICE_NAME", "").strip())
    for session in reading:
        spans = list(spans_of(session, store.store_id, options))
        reading.rows += len(spans)
        yield compact(json_of(spans, resource)) + b"\n"


def _chat(reading: Reading) -> Iterator[bytes]:
    from tfclient.export.forms.conversations import conversations_of
    from tfstore.document.json_text import compact

    for session in reading:
        for each in conversations_of(session, reading.store.blobs.get):
            reading.rows += 1
            reading.left_out.update(each.left_out)
            yield compact(each.as_json()) + b"\n"


def _sts(reading: Reading) -> Iterator[bytes]:
    from tfclient.export.forms.traces import trace_of
    from tfstore.document.json_text import compact

    for session in reading:
        for each in trace_of(session, reading.reader):
            reading.rows += 1
            yield compact(each) + b"\n"


def _markdown(reading: Reading) -> Iterator[bytes]:
    from tfclient.export.forms.markdown import markdown_of
    from tfstore.reading.calls.costs import cost_of_session

    for session in reading:
        cost = None if reading.price is None else cost_of_session(session, reading.price)
        text = markdown_of(session, reading.reader, cost)
        reading.rows += text.count("\n")
        yield text.encode("utf-8", "replace")


def _step_rows(reading: Reading) -> Iterator[Json]:
    from tfclient.export.forms.step_rows import rows_of

    for session in reading:
        for row in rows_of(session, reading.reader, reading.price):
            reading.rows += 1
            yield row


def _csv(reading: Reading) -> Iterator[bytes]:
    from tfclient.export.forms.step_rows import csv_of

    return csv_of(_step_rows(reading))


def _parquet(reading: Reading) -> Iterator[bytes]:
    from tfclient.export.forms.step_rows import parquet_of

    return parquet_of(_step_rows(reading))


def _cassette(given: AnyStore, wanted: Wanted) -> None:
    """Write a session's exchanges for vcrpy: of its journal, not of its document."""
    from attrs import asdict

    from tfclient.cli.finding import shown_session
    from tfclient.export.cassettes import cassette_of
    from tfstore.journal.entries import imported_from

    store = on_disk(given)
    assert store is not None  # noqa: S101 - the command looked
    if len(wanted.session_ids) > 1:
        raise Refused(
            f"A cassette holds one session, and {len(wanted.session_ids)} are meant: name one.", USAGE
        )
    session_id = shown_session(store, wanted.session_ids[0])
    entries, report = store.journal(session_id)
    agent = imported_from(entries)
    if agent is not None:
        why = f"was made of a log of {agent}, which has no requests: there is nothing to be played."
        raise Refused(f"Session {session_id} {why}", WRONG)
    made = cassette_of(entries)
    if made.is_empty:
        raise Refused(
            f"Session {session_id} has no answer in its journal: there is nothing to be played.", WRONG
        )
    target = write_out(made.text().encode(), wanted.output, f"{session_id}.yaml", force=wanted.force)
    if not any(each["type"] == "session.ended" for each in entries):
        complain(f"Session {session_id} is still active: what comes from now on is not in it.", "yellow")
    for _, why in report.unreadable:
        complain(f"Part of the journal of {session_id} cannot be read ({why}): that is not in it.", "yellow")
    if wanted.as_json:
        left_out = [asdict(each) for each in made.left_out]
        told = {"session_id": session_id, "path": str(target), "exchanges": len(made.interactions)}
        told["sockets"] = made.connections
        print_json({**told, "left_out": left_out})
        return
    _tell(made)
    if target is not None:
        say(str(target))


def _trajectories(store: AnyStore, wanted: Wanted) -> None:
    """Write the trajectories of sessions, a file for each."""
    from tfclient.export.atif import trajectories_of
    from tfclient.otlp.parts import Reader
    from tfstore.document.json_text import compact, readable

    reading = Reading(store, wanted, None, Reader(store.blobs.get, wanted.inline))
    left = reading.left_out
    named: list[tuple[Path | None, str, Any]] = []
    for session in reading:
        made = trajectories_of(session, store.blobs.get)
        left.update(made.left_out)
        for n, trajectory in enumerate(made.listed, 1):
            name = f"{session.session_id}{f'.{n}' if n > 1 else ''}.json"
            named.append((_numbered(wanted.output, len(named) + 1), name, trajectory))
    for trouble in reading.troubles:
        complain(trouble)
    if reading.sessions and not named:
        which = ", ".join(wanted.session_ids)
        raise Refused(f"Session {which} asked no model anything: there is no trajectory in it.", WRONG)
    targets: list[Path] = []
    if wanted.output == STDOUT:
        lines = [readable(named[0][2])] if len(named) == 1 else [compact(each) for _, _, each in named]
        write_out(b"".join(line.rstrip(b"\n") + b"\n" for line in lines), STDOUT, "", force=True)
    else:
        # All that cannot be written is said before anything is.
        targets = [target_of(place, name, force=wanted.force) for place, name, _ in named]
        for target, (_, _, trajectory) in zip(targets, named, strict=True):
            with writing(target):
                target.write_bytes(readable(trajectory))
    left_out = [f"{kind} ×{count:,}" for kind, count in sorted(left.items())]
    if wanted.as_json:
        told = {"paths": list(map(str, targets)), "sessions": reading.sessions, "rows": len(named)}
        print_json({**told, "left_out": left_out})
    else:
        remark("1 trajectory." if len(named) == 1 else f"{len(named):,} trajectories.")
        if left_out:
            remark(f"Left out: {', '.join(left_out)}.")
        for target in targets:
            say(str(target))
    if reading.troubles:
        raise typer.Exit(WRONG)


def _numbered(output: Path | None, number: int) -> Path | None:
    """Return where the n-th file goes, if one was named."""
    if output is None or number == 1 or output.is_dir():
        return output
    return output.with_name(f"{output.stem}.{number}{output.suffix}")


def _tell(made: Cassette) -> None:
    from tfstore.reading.figures import counted

    for each in made.left_out:
        complain(f"Left out: the {each.what} of {each.exchange_id}: {each.why}.", "yellow")
    remark(
        f"{counted(len(made.interactions), 'exchange')}; `tfclient import FILE` makes a session of it again."
    )
    if made.connections:
        remark(
            f"{counted(made.connections, 'connection')} of WebSockets: `tfclient replay FILE` and the pytest plugin "
            "play them; vcrpy has no form for that and reads past it, and so does `tfclient import`."
        )


_FORMS: Final[dict[str, tuple[Callable[[Reading], Iterator[bytes]], str, bool]]] = {
    "otlp-json": (_otlp_json, ".otlp.jsonl", False),
    "chat-jsonl": (_chat, ".chat.jsonl", False),
    "sts": (_sts, ".sts.jsonl", True),
    "markdown": (_markdown, ".md", True),
    "csv": (_csv, ".csv", False),
    "parquet": (_parquet, ".parquet", False),
}
"""What makes each, how its name ends, and whether it holds one session only."""

_TO_BE_SHARED: Final = frozenset({"sts", "markdown"})

_OF_THEIR_OWN: Final[dict[str, Callable[[AnyStore, Wanted], None]]] = {
    "vcr": _cassette,
    "atif": _trajectories,
}
"""What is no one file made of documents."""
