"""``tfclient note``: to mark a session, a run or a step afterwards, and to see and take back what was noted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import disk_store, open_store
from tfclient.cli.options import JsonOption, StoreOption, known_ids, known_steps, known_tags
from tfclient.cli.places import place_of
from tfclient.cli.printing import complain, print_json, print_lines, remark, say, stdout
from tfstore.meant import LAST, find_session

if TYPE_CHECKING:
    from tfstore.document.notes import Note
    from tfstore.protocols import Reading
    from tfstore.store import Store

_PLACE: Final = re.compile(r"(?:run_)?\d{1,9}|(?:step_)?\d+[._]\d+", re.ASCII)


def note(
    session: Annotated[
        str,
        typer.Argument(
            metavar="[ID|last]",
            show_default=False,
            help="A session, or a run or a step of it: last, 7f3a:2, last:2.8.",
            autocompletion=known_ids,
        ),
    ] = LAST,
    part: Annotated[
        str | None,
        typer.Argument(
            metavar="[STEP|RUN]",
            show_default=False,
            help="The step or the run that it is about: 2.8, run_2.",
            autocompletion=known_steps,
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", show_default=False, help="What is to be noted."),
    ] = None,
    *,
    score: Annotated[
        float | None,
        typer.Option("--score", metavar="X", show_default=False, help="A number; averages are taken of it."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="T",
            show_default=False,
            help="A word to find it by; may be given several times.",
            autocompletion=known_tags,
        ),
    ] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="NAME", show_default=False, help="Who says it.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show what is noted.")] = False,
    remove: Annotated[
        str | None,
        typer.Option(
            "--remove",
            metavar="NOTE",
            show_default=False,
            help="Take a note back: its id, or the start of it.",
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note something on a session, a step or a run: `tfclient note last 2.8 "wrong order" --score 0 --tag bug`.

    Notes are kept beside the record, which stays as it is. They are shown by show, why, text and the page, found by
    `tfclient list --noted`, --tag and --score, and averaged by `tfclient stats`. What must not be written down is
    replaced in them as in all else. A note that is taken back is shown no longer; it leaves the disk with its session.

    With --json: the note, {session_id, note_id, at, step_id, run_id, text, score, tags, author, redactions}, the last
    two where there are some; with --list {session_id, notes: [note], damaged, torn}, damaged being the lines of their
    file that are no notes any more; with --remove {session_id, removed}.
    """
    given = text is not None or score is not None or bool(tag) or author is not None
    if listed or remove is not None:
        if given or part is not None or (listed and remove is not None):
            word = "--list" if listed else "--remove"
            raise Refused(f"{word} takes a session and nothing else: leave out what is to be noted.", USAGE)
        if remove is not None:
            folder = disk_store(store, "note --remove")
            _remove(folder, find_session(folder, session), remove, as_json=as_json)
        else:
            opened_to_read = open_store(store)
            _list(opened_to_read, find_session(opened_to_read, session), as_json=as_json)
        return
    if part is not None and text is None and (":" in session or not _PLACE.fullmatch(part)):
        part, text = None, part
    if text is None and score is None and not tag:
        reason = "There is nothing to note: give a text, --score or --tag. --list shows what is noted."
        raise Refused(reason, USAGE)
    opened = disk_store(store, "note")
    step = run = None
    if part is not None or ":" in session:
        place = place_of(opened, session, part)
        session_id = place.session.session_id
        step = None if place.step is None else place.step.step_id
        run = None if place.run is None else place.run.run_id
    else:
        session_id = find_session(opened, session)
    made = opened.note(
        session_id, text or "", step=step, run=run, score=_whole(score), tags=tag or (), author=author
    )
    if as_json:
        print_json({"session_id": session_id, **made.as_json()})
    else:
        say(f"{made.note_id} is noted on {_where(made)}{session_id}.")
    rules = dict.fromkeys(str(each.get("rule")) for each in made.redactions if isinstance(each, dict))
    if rules:
        complain(f"Not all of it was written down: something was replaced ({', '.join(rules)}).", "yellow")


def _where(made: Note) -> str:
    from tfstore.reading.noted import place_of

    place = place_of(made)
    return f"{place} of " if place else ""


def _whole(score: float | None) -> float | None:
    """Return a score as it was typed: 0 and not 0.0."""
    return int(score) if score is not None and score.is_integer() else score


def _list(store: Reading, session_id: str, *, as_json: bool) -> None:
    from tfclient.cli.lines.notes import noted

    found = store.noting.read(store.known(session_id))
    if as_json:
        notes = [each.as_json() for each in found.notes]
        print_json({"session_id": session_id, "notes": notes, "damaged": found.damaged, "torn": found.torn})
    elif found.notes:
        console = stdout()
        print_lines(noted(found.notes, console.width, most=None, places=True, ids=True), console)
    else:
        remark(f"Nothing is noted on session {session_id}.")
    for trouble in found.troubles(session_id):
        complain(trouble, "yellow")


def _remove(store: Store, session_id: str, typed: str, *, as_json: bool) -> None:
    from tfstore.errors import UnknownNote

    ids = [each.note_id for each in store.notes(session_id)]
    meant = [each for each in ids if each == typed] or [
        each for each in ids if typed and (each.startswith((typed, f"note_{typed}")))
    ]
    if len(meant) > 1:
        raise Refused(
            f"{typed!r} is the start of several notes: {', '.join(meant[:5])}. Type more of it.", USAGE
        )
    if not meant:
        raise UnknownNote(session_id, typed, ids)
    store.remove_note(session_id, meant[0])
    if as_json:
        print_json({"session_id": session_id, "removed": meant[0]})
    else:
        say(f"{meant[0]} is taken back.")
