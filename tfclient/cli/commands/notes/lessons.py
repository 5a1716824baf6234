"""What is done with lessons that are there: shown, set, printed, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.printing import complain, print_json, remark, say
from tfstore.meant import find_session

if TYPE_CHECKING:
    from tfclient.reflect.lessons.book import Book, Say
    from tfclient.reflect.lessons.lesson import Lesson

SHOWN = 5
"""Places at which a lesson was seen that are shown; of more it is said how many."""

_SAYS: dict[str, Say] = {"resolve": "resolved", "mute": "muted", "reopen": "open", "confirm": "confirmed"}
_TOLD = {"confirm": "may be given out", "resolve": "is resolved", "mute": "is muted", "reopen": "is open"}


def listed(book: Book, rest: list[str], *, as_json: bool) -> None:
    """Print the lessons, the most seen first."""
    from attrs import asdict

    from tfclient.reflect.lessons.wording import line_of

    if rest:
        raise Refused("`notes list` lists all lessons: `notes show L-…` shows one.", USAGE)
    lessons = book.lessons()
    if as_json:
        print_json([asdict(each) for each in lessons])
        return
    for each in lessons:
        status = "" if each.status == "open" else f" · {each.status}"
        say(f"{line_of(each).removeprefix('- ')}{status}")
    if not lessons:
        remark("There are no lessons yet: `tfclient notes --all` learns from all sessions.")


def shown(book: Book, rest: list[str], *, as_json: bool) -> None:
    """Print a lesson, and the steps at which it was seen."""
    from attrs import asdict

    from tfclient.reflect.lessons.book import steps_of
    from tfclient.reflect.lessons.showing import evidence_text, lesson_lines
    from tfstore.errors import StoreError

    lesson = book.lesson(_one(rest, "show"))
    places = list(steps_of(lesson))
    texts: list[dict[str, Any]] = []
    troubles: list[str] = []
    for session_id, step_id in places[:SHOWN]:
        try:
            text = evidence_text(lesson, book.store.get(session_id), step_id)
        except StoreError as error:
            troubles.append(str(error))
        else:
            texts.append({"session_id": session_id, "step": step_id, "text": text})
    if as_json:
        print_json({**asdict(lesson), "shown": texts})
    else:
        for line in lesson_lines(lesson):
            say(line)
        for each in texts:
            say(f"\n{each['text']}")
        if len(places) > SHOWN:
            remark(f"{len(places) - SHOWN:,} more: --json names their steps.")
    for trouble in troubles:
        complain(trouble, "yellow")


def said(book: Book, word: str, rest: list[str]) -> None:
    """Set what a person says of lessons; all are looked for before the first is set."""
    from tfclient.cli.now import present

    if not rest:
        raise Refused(f"`notes {word}` needs a lesson: `tfclient notes list` shows those there are.", USAGE)
    at = present().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lessons: list[Lesson] = [book.lesson(each) for each in rest]
    for each in lessons:
        book.say(each.lesson_id, _SAYS[word], at)
        say(f"{each.lesson_id} {_TOLD[word]}.")


def export(book: Book, rest: list[str], *, as_json: bool) -> None:
    """Print all that was noted: the pages as they are, or lessons and entries as JSON."""
    if rest:
        raise Refused("`notes export` prints all that was noted, and takes nothing else.", USAGE)
    pages = [page for month in ("", *reversed(book.folder.months())) if (page := book.folder.page(month))]
    if as_json:
        turns = [turn for page in pages for turn in page.turns]
        entries = [
            {
                "session_id": turn.session_id,
                "run_id": turn.run_id,
                "text": turn.body,
                "edited": turn.is_edited,
            }
            for turn in turns
        ]
        print_json({"lessons": book.folder.lessons(), "entries": entries})
        return
    for page in pages:
        say(page.text.rstrip("\n"))
    if not pages:
        remark("Nothing was noted yet: `tfclient notes --all` learns from all sessions.")


def delete(book: Book, rest: list[str], session: str | None, *, everything: bool) -> None:
    """Delete lessons, all that is of a session, or all."""
    if sum((bool(rest), session is not None, everything)) != 1:
        raise Refused("Give lessons, --session ID or --all: one of them is to be deleted.", USAGE)
    if everything:
        book.folder.remove()
        say("All that was noted is deleted.")
    elif session is None:
        book.delete(rest)
        for each in rest:
            say(f"{each} is deleted.")
    else:
        session_id = session if book.folder.has(session) else find_session(book.store, session)
        left = book.forget([session_id])
        say(f"All that was noted of {session_id} is deleted.")
        for each in left:
            complain(each, "yellow")
        if left:
            raise typer.Exit(WRONG)


def _one(rest: list[str], word: str) -> str:
    if len(rest) != 1:
        raise Refused(f"`notes {word}` needs one lesson: `tfclient notes list` shows those there are.", USAGE)
    return rest[0]
