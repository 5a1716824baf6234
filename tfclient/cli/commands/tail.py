"""``tfclient tail``: a session as it happens, in another terminal than the program's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from attrs import define, field

from tfclient.cli.failures import WRONG
from tfclient.cli.finding import disk_store, shown_session
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.printing import complain, print_lines, remark, stdout
from tfstore.errors import StoreNotFound, UnknownSession

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from tfclient.cli.lines.flow import Flow
    from tfstore.document.documents import Session
    from tfstore.reading.changes import News
    from tfstore.store import Store

PAUSE: Final = 0.1
"""Seconds between two looks at the journal."""

GRACE: Final = 2.0
"""Seconds that nobody writes before a session counts as left by its writers."""

INDENT: Final = "       "


def tail(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|last]",
            help="A session; else the latest that is going on, or the next that begins.",
            autocompletion=known_ids,
            show_default=False,
        ),
    ] = None,
    *,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a session as it happens: prompts, what the model writes, tools as they are called and answer.

    It begins with the run that is going on and ends with the session; Ctrl-C ends it before. Where nothing is
    recorded yet, not even a store, it waits.

    With --json one object a line: {event, session_id, run_id, step_id, label, name, at, status, duration_ms,
    text}; event is step, text (more of what the model writes), answered (a model call), unanswered, or ended
    (the session: {event, session_id, status, result, end_reason}).
    """
    try:
        if session is None:
            opened, session_id, fresh = _awaited(store, quiet=as_json)
        else:
            opened, fresh = disk_store(store, "tail"), False
            session_id = _meant(opened, session)
        if not _follow(opened, session_id, as_json=as_json, whole=fresh):
            complain(
                f"Nobody writes to session {session_id} any more, and it was not ended: its program is gone. "
                "`tfclient recover` finishes it."
            )
            raise typer.Exit(WRONG)
    except KeyboardInterrupt:
        typer.echo()
        remark("Left; the session goes on.")


def _meant(store: Store, typed: str) -> str:
    """Return the session that is meant; one that has just begun has a journal and no document yet."""
    from tfstore.journal.reading import sessions_with_journal

    try:
        return shown_session(store, typed)
    except UnknownSession:
        meant = [each for each in sessions_with_journal(store.paths) if typed and each.startswith(typed)]
        if len(meant) != 1:
            raise
        return meant[0]


def _awaited(path: str | None, *, quiet: bool) -> tuple[Store, str, bool]:
    """Return the store, the session that began last of those going on, and whether it had to be waited for."""
    waited = False
    store: Store | None = None
    while True:
        try:
            store = store or disk_store(path, "tail")
            where = store.paths.root
        except StoreNotFound as missing:
            where = missing.path
        going_on = _going_on(store) if store is not None else []
        if store is not None and going_on:
            return store, going_on[-1], waited
        if not waited and not quiet:
            remark(f"Waiting for a session to begin in {where} (Ctrl-C ends).")
        waited = True
        time.sleep(PAUSE)


def _going_on(store: Store) -> list[str]:
    """Return the sessions that somebody writes to, the one begun last at the end."""
    from tfstore.journal.reading import live_writers, sessions_with_journal

    found = [each for each in sessions_with_journal(store.paths) if live_writers(store.paths, each)]
    return sorted(found, key=lambda each: (_began(store.paths.journal_of(each)), each))


def _began(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _follow(store: Store, session_id: str, *, as_json: bool, whole: bool) -> bool:
    """Print a session's news until it ends; False when its writers are gone before that."""
    from tfclient.projection.projector import Projector
    from tfstore.journal.reading import Tail, live_writers
    from tfstore.reading.changes import Follower

    journal, projector, follower = Tail(store.paths, session_id), Projector(session_id), Follower()
    page = _Lines(session_id) if as_json else _Page(stdout())
    begun = False
    alone_since: float | None = None
    while True:
        # Asked before reading: what a writer wrote before it let go is then read.
        alive = live_writers(store.paths, session_id)
        entries = journal.poll()
        for entry in entries:
            projector.feed(entry)
        if entries:
            session = projector.session()
            if not begun:
                page.begin(session)
                if not whole:
                    follower.skip(session)
                begun = True
            for news in follower.news(session):
                page.show(news)
            continue
        session = projector.session()
        if session.status == "closed":
            page.end(session)
            return True
        if alive:
            alone_since = None
            time.sleep(PAUSE)
            continue
        now = time.monotonic()
        alone_since = now if alone_since is None else alone_since
        if now - alone_since > GRACE:
            return False
        time.sleep(PAUSE)


@define
class _Lines:
    """News as JSON, a line each."""

    session_id: str

    def begin(self, session: Session) -> None:
        pass

    def show(self, news: News) -> None:
        self._print(news.as_json(self.session_id))

    def end(self, session: Session) -> None:
        ending = {"status": session.status, "result": session.result, "end_reason": session.end_reason}
        self._print({"event": "ended", "session_id": self.session_id, **ending})

    def _print(self, value: object) -> None:
        from tfclient.cli.printing import harmless
        from tfstore.document.json_text import compact

        typer.echo(harmless(compact(value)))


@define
class _Page:
    """News as lines to read; what a model writes flows below its call."""

    console: Console
    _flow: Flow | None = None
    _writing: str = ""
    _run: str = ""
    _shown: set[tuple[str, str]] = field(factory=set[tuple[str, str]])

    def begin(self, session: Session) -> None:
        from tfclient.cli.lines.heading import heading

        print_lines(heading(session, self.console.width), self.console)
        self.console.print()

    def show(self, news: News) -> None:
        if news.event == "text":
            self._write(news)
            return
        if self._is_known(news):
            return
        self._close()
        if self._run and self._run != news.run.run_id:
            self.console.print()
        self._run = news.run.run_id
        print_lines(lines_about(news, self.console.width), self.console)

    def _is_known(self, news: News) -> bool:
        """Return whether it is instructions or tools that were shown before: each run has its own."""
        from tfstore.reading.facts import policy_version

        if news.step.label not in {"policy.snapshot", "tool.schemas.snapshot"}:
            return False
        version = (news.step.label, policy_version(news.step))
        known = version in self._shown
        self._shown.add(version)
        return known

    def end(self, session: Session) -> None:
        from tfclient.cli.lines.heading import heading

        self._close()
        self.console.print()
        print_lines(heading(session, self.console.width), self.console)

    def _write(self, news: News) -> None:
        from rich.text import Text

        from tfclient.cli.lines.flow import Flow

        if self._writing != news.step.step_id:
            again = bool(self._writing)
            self._close()
            if again:
                self.console.print(Text(f"{_number(news)} goes on", "dim"), soft_wrap=True)
            self._flow, self._writing = Flow(self.console.width, INDENT), news.step.step_id
        if self._flow is not None:
            self.console.print(Text(self._flow.feed(news.text)), end="", soft_wrap=True)

    def _close(self) -> None:
        from rich.text import Text

        if self._flow is not None:
            self.console.print(Text(self._flow.rest()), soft_wrap=True)
        self._flow, self._writing = None, ""


def _number(news: News) -> str:
    from tfstore.reading.naming import short_step

    return f"{short_step(news.step.step_id):<{len(INDENT) - 1}}"


def lines_about(news: News, width: int) -> Iterator[Text]:
    """Yield the lines about something that happened."""
    from rich.text import Text

    from tfclient.cli.lines.blocks import block
    from tfclient.cli.lines.steps import aligned, style_of
    from tfd2.columns import one_line
    from tfstore.reading.facts import alone
    from tfstore.reading.figures import joined
    from tfstore.reading.step_words import name_of, remarks_on, said_in_line, tokens_of, took, word_of

    step = news.step
    own = alone(news.run, step)
    cost = Text(joined(took(step), tokens_of(step)), "dim")
    if news.event == "answered":
        # What it answered stands in steps of its own.
        said = joined(remarks_on(own), news.text if step.error is not None else "") or "answered"
        style = "bold red" if own.failed else "dim"
        room = max(width - len(INDENT) - cost.cell_len - 1, 8)
        yield from aligned(Text(f"{INDENT}{one_line(said, room)}", style), cost, width, INDENT)
        return
    if news.event == "unanswered":
        yield Text(
            f"{_number(news)} {word_of(step)} {one_line(step.tool_name or '', 40)} never answered", "yellow"
        )
        return
    name = name_of(own)
    head = Text.assemble((f"{_number(news)} ", "dim"), (word_of(step), style_of(step)))
    head.append(f" {name}" if name else "", "bold")
    if step.label in {"user_message", "assistant_message", "tool_error"}:
        lines = block(news.text, width - len(INDENT), first=max(width - head.cell_len - 1, 8))
        yield head.append(f" {lines[0]}" if lines else "", "red" if step.label == "tool_error" else "")
        yield from (Text(f"{INDENT}{line}".rstrip()) for line in lines[1:])
        return
    joint = "" if step.label in {"tool_call", "approval_request"} else " "
    room = width - head.cell_len - 1 - (cost.cell_len + 1 if step.label != "assistant_call" else 0)
    said = one_line(said_in_line(step)[:2_000], max(room, 8))
    line = head.append(joint).append(said, "dim" if own.is_snapshot else "")
    yield from aligned(line, cost if step.label != "assistant_call" else Text(), width, INDENT)
