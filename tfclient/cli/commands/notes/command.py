"""The command: what is to be noted, or what is to be done with lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import disk_store, shown_session
from tfclient.cli.options import JsonOption, StoreOption, known_ids, known_lessons
from tfclient.cli.printing import complain, print_json, remark, say
from tfstore.meant import LAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.reflect.lessons.book import Book, Taken
    from tfstore.store import Store

WORDS = ("list", "show", "resolve", "mute", "reopen", "confirm", "export", "delete")
"""What may be done with lessons that are there; any other first word is a session."""


def _offered(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    """Offer sessions and words first, behind a word lessons."""
    del args
    typed = ctx.params.get("words") or []
    if typed:
        return known_lessons(ctx, incomplete)
    return [*(each for each in WORDS if each.startswith(incomplete)), *known_ids(ctx, incomplete)]


def notes(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|last] | WORD [L-…]",
            show_default=False,
            help="A session, `last` if none is given; or list, show, resolve, mute, reopen, confirm, export, delete.",
            autocompletion=_offered,
        ),
    ] = None,
    *,
    everything: Annotated[
        bool,
        typer.Option("--all", "-a", help="All sessions of the store; with `delete`, all that was noted."),
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Only make the summary anew.")] = False,
    skip_tool: Annotated[
        list[str] | None,
        typer.Option("--skip-tool", metavar="NAME", help="Learn nothing from what this tool answers."),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="ID",
            help="With `delete`: all that was noted of this session.",
            autocompletion=known_ids,
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note what a session teaches about its tools, in learnings/learnings.md of the store, for people to read and edit.

    Errors of tools are put together as lessons, without the values that they happened on, and with what was different
    when it worked. No model is asked. What you edit stays; noting again changes nothing.

    `notes list` shows the lessons, `notes show L-…` one with where it was seen. `notes resolve L-…`, `mute`, `reopen`
    say what has become of it; `notes confirm L-…` that it may be given to a model although only one session saw it.
    `notes export` prints all of it, `notes delete L-…`, `--session ID` or `--all` deletes.

    With --json: {path, sessions, written, same, edited, removed, archived, troubles}; of `list` a list of lessons, of
    `show` one with its evidence, of `export` {lessons, entries}.
    """
    from tfclient.cli.commands.notes.lessons import delete, export, listed, said, shown
    from tfclient.reflect.lessons.book import Book

    word, *rest = words or [LAST]
    is_word = word in WORDS
    if session is not None and word != "delete":
        raise Refused("--session goes with `notes delete`.", USAGE)
    if (summary or skip_tool) and is_word:
        raise Refused(f"--summary and --skip-tool go with sessions, not with `notes {word}`.", USAGE)
    if everything and is_word and word != "delete":
        raise Refused(f"--all does not go with `notes {word}`.", USAGE)
    if not is_word and rest:
        raise Refused(f"Give one session or --all: {' '.join(words or [])!r} is more.", USAGE)
    opened = disk_store(store, "notes")
    book = Book(opened)
    if not is_word:
        _note(
            book,
            opened,
            word,
            skip_tool or [],
            given=bool(words),
            everything=everything,
            summary=summary,
            as_json=as_json,
        )
    elif word == "list":
        listed(book, rest, as_json=as_json)
    elif word == "show":
        shown(book, rest, as_json=as_json)
    elif word == "export":
        export(book, rest, as_json=as_json)
    elif word == "delete":
        delete(book, rest, session, everything=everything)
    else:
        said(book, word, rest)


def _note(
    book: Book,
    store: Store,
    typed: str,
    skip_tools: list[str],
    *,
    given: bool,
    everything: bool,
    summary: bool,
    as_json: bool,
) -> None:
    from tfclient.reflect.lessons.book import Taken

    if given and (everything or summary):
        raise Refused(f"Give a session or {'--all' if everything else '--summary'}, not both.", USAGE)
    path = str(store.paths.learnings_page)
    unreadable: list[str] = []
    ids: list[str] = []
    if summary:
        taken = Taken()
        if not book.summarise():
            unreadable.append(
                f"The summary in {path} was edited by hand and stays as it is: delete it to have it made anew."
            )
    else:
        ids = list(_readable(store, unreadable)) if everything else [shown_session(store, typed)]
        taken = book.note(ids, skip_tools)
    if as_json:
        print_json({"path": path, **_as_json(taken)})
    else:
        _print(book, taken, path, [] if everything else ids)
    for trouble in (*taken.troubles, *unreadable):
        complain(trouble, "yellow")
    if unreadable:
        raise typer.Exit(WRONG)


def _readable(store: Store, unreadable: list[str]) -> Iterator[str]:
    """Yield the ids of sessions that have ended and can be read; of others it is said why not."""
    from tfstore.errors import StoreError

    for session_id in store.ids():
        try:
            store.get(session_id)
        except StoreError as error:
            unreadable.append(str(error))
        else:
            yield session_id


def _as_json(taken: Taken) -> dict[str, object]:
    from attrs import asdict

    return asdict(taken)


def _print(book: Book, taken: Taken, path: str, session_ids: list[str]) -> None:
    for body in book.entries(session_ids):
        say(body.rstrip("\n"))
    counts = [
        f"{taken.written:,} written" if taken.written else "",
        f"{taken.same:,} as before" if taken.same else "",
        f"{taken.removed:,} removed" if taken.removed else "",
        f"{taken.archived:,} moved to the archive" if taken.archived else "",
        f"{len(taken.edited):,} edited by hand and left alone" if taken.edited else "",
    ]
    told = ", ".join(filter(None, counts))
    if taken.sessions and not told:
        remark("Nothing is to be learnt from that: no tool failed, and nothing was found.")
    else:
        remark(f"{path}: {told or 'its summary is made anew'}.")
