"""Which sessions of a store are meant, by what they are: the options of `list`, for whoever takes them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from attrs import field, frozen

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import pattern_of, word_from
from tfclient.cli.options import known_ids, known_models, known_tags, known_tools
from tfstore.meant import find_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tfstore.document.documents import Session
    from tfstore.index.rows import SessionRow
    from tfstore.protocols import Reading

FailedOption = Annotated[bool, typer.Option("--failed", help="Sessions that failed.")]
ToolOption = Annotated[
    str | None,
    typer.Option(
        "--tool", metavar="NAME", help="Sessions that called this tool.", autocompletion=known_tools
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="Sessions that called this model.", autocompletion=known_models
    ),
]
MetaOption = Annotated[
    list[str] | None,
    typer.Option(
        "--meta",
        metavar="KEY=VALUE",
        help="Sessions with this in their metadata; all of them, if given several times.",
        show_default=False,
    ),
]
ThreadOption = Annotated[
    str | None,
    typer.Option(
        "--thread",
        metavar="ID",
        help="Sessions that carry on one another: those of this one's thread, or of this conversation.",
        autocompletion=known_ids,
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Started since 2h, 3d, 2026-09-02 …")
]
ErrorClassOption = Annotated[
    str | None,
    typer.Option("--error-class", metavar="CLASS", help="With such an error: rate_limit, timeout, tool …"),
]
GrepOption = Annotated[
    str | None,
    typer.Option(
        "--grep", metavar="TEXT", help="Sessions that hold this text, or notes on which do, in either case."
    ),
]
OddOption = Annotated[
    bool, typer.Option("--odd", help="Sessions with findings, those of severity info not counted.")
]
NotedOption = Annotated[
    bool, typer.Option("--noted", help="Sessions that somebody noted something on: `tfclient note`.")
]
PinnedOption = Annotated[bool, typer.Option("--pinned", help="Sessions that are pinned: `tfclient pin`.")]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="T",
        help="With a note that has this tag; all of them, if given several times.",
        show_default=False,
        autocompletion=known_tags,
    ),
]
ScoreOption = Annotated[
    str | None,
    typer.Option("--score", metavar="BOUND", help="With a note of such a score: '<0.5', '>=1', 0."),
]


@frozen
class Filters:
    """What sessions are to be like, as it was typed."""

    failed: bool = False
    tool: str | None = None
    model: str | None = None
    meta: list[str] | None = None
    thread: str | None = None
    since: str | None = None
    error_class: str | None = None
    grep: str | None = None
    odd: bool = False
    noted: bool = False
    tag: list[str] | None = None
    score: str | None = None
    pinned: bool = False

    @property
    def any(self) -> bool:
        """Whether not just every session is meant."""
        return any(value for value in _values(self))

    def look(self) -> None:
        """Look whether what was typed makes sense, before a store is looked for.

        Raises:
            Refused, InvalidNote: it does not.
        """
        from tfstore.reading.noted import NotesWanted

        _wanted(self)
        NotesWanted.of(self.tag or (), self.score)


@frozen
class Chosen:
    """The rows of the sessions that are meant; what could not be read on the way; of each, the kinds of its findings.

    The last only where they were asked for.
    """

    rows: list[SessionRow]
    troubles: list[str] = field(factory=list[str])
    kinds: dict[str, list[str]] = field(factory=dict[str, list[str]])


def _values(filters: Filters) -> tuple[Any, ...]:
    from attrs import astuple

    return astuple(filters)


def choose(store: Reading, filters: Filters, *, sort: str = "", most: int | None = None) -> Chosen:
    """Return the sessions that are as asked for, newest first.

    Args:
        store: where to look.
        filters: what they are to be like.
        sort: ``tokens`` or ``time``: those that took the most first.
        most: so many at most.

    Raises:
        Refused: something that was typed makes no sense.
        UnknownSession: there is no such thread.
    """
    from tfstore.reading.search import sessions_holding

    pattern = None if filters.grep is None else pattern_of(filters.grep)
    wanted = _wanted(filters)
    wanted["sort"] = sort
    is_noted = filters.noted or bool(filters.tag) or filters.score is not None
    noted = store.noted(tags=filters.tag or (), score=filters.score) if is_noted else None
    pinned = store.pins() if filters.pinned else None
    wanted["ids"] = _ids(None if filters.thread is None else _thread(store, filters.thread), noted, pinned)
    if pattern is None and not filters.odd:
        return Chosen(store.list(**wanted, limit=most))
    troubles: list[str] = []
    kinds: dict[str, list[str]] = {}
    by_id = {row.session_id: row for row in store.list(**wanted)}
    if pattern is None:
        some = _sessions(store, by_id, troubles)
    else:
        some = (each for each, _ in sessions_holding(store, pattern, troubles.append, ids=by_id))
    if filters.odd:
        some = _odd(some, kinds)
    # Searching goes by the time of sessions.
    found = {session.session_id for session in islice(some, None if sort else most)}
    return Chosen([row for name, row in by_id.items() if name in found], troubles, kinds)


def _wanted(filters: Filters) -> dict[str, Any]:
    from tfstore.document.labels import ErrorClass

    error = filters.error_class
    return {
        "result": "failed" if filters.failed else None,
        "tool": filters.tool,
        "model": filters.model,
        "error_class": None if error is None else word_from(ErrorClass, "--error-class", error),
        "since": moment(filters.since),
        "metadata": dict(map(_pair, filters.meta or ())),
    }


def _sessions(store: Reading, rows: dict[str, SessionRow], troubles: list[str]) -> Iterator[Session]:
    """Yield the sessions of these rows, as they stand in their documents."""
    from tfstore.errors import StoreError

    for session_id in rows:
        try:
            yield store.get(session_id)
        except StoreError as error:
            troubles.append(str(error))


def _odd(sessions: Iterable[Session], kinds: dict[str, list[str]]) -> Iterator[Session]:
    """Yield those of the sessions in which something is wrong, and keep which kinds of findings they have."""
    from tfclient.reflect.findings import examine

    for session in sessions:
        faults = [each.kind for each in examine(session).findings if each.severity != "info"]
        if faults:
            kinds[session.session_id] = list(dict.fromkeys(faults))
            yield session


def _pair(typed: str) -> tuple[str, str]:
    key, equals, value = typed.partition("=")
    if not equals or not key:
        raise Refused(f"--meta {typed!r} is no key and value: write --meta user=ada.", USAGE)
    return key, value


def _ids(*asked: Iterable[str] | None) -> list[str] | None:
    """Return the ids that are among all that are asked for; None where any may be."""
    given = [set(each) for each in asked if each is not None]
    return list(set.intersection(*given)) if given else None


def _thread(store: Reading, typed: str) -> list[str]:
    """Return the ids of the sessions of the thread that is meant: by one of them, or by a conversation's id."""
    return store.thread(typed) or store.thread(find_session(store, typed))


def moment(since: str | None) -> datetime | None:
    """Return the moment that ``2h``, ``3d`` or a date means."""
    from tfclient.cli.now import present
    from tfstore.document import times

    if since is None:
        return None
    try:
        return times.since(since, present())
    except ValueError:
        reason = f"--since {since!r} is no moment: give 30m, 2h, 3d, 1w, or a date such as 2026-09-02."
        raise Refused(reason, USAGE) from None
