"""What the tools answer: text within a budget, in which everything recorded is quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final, get_args

from attrs import define

from tfclient.errors import SettingError
from tfclient.mcp.opened import Found, Opened
from tfclient.reflect.quoting import escaped, quoted
from tfclient.reflect.text.counting import estimate
from tfclient.reflect.text.session_lines import NOTICE
from tfclient.reflect.text.values import unmarked
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from tfclient.reflect.findings import Finding
    from tfstore.document.documents import Session
    from tfstore.document.notes import Note
    from tfstore.protocols import Reading
    from tfstore.reading.search import Match

LEAST: Final = 300
USUAL: Final = 4_000
LARGEST: Final = 20_000
"""Tokens of an answer. Clients refuse answers of 25,000."""

PAGE: Final = 8_000
LARGEST_PAGE: Final = 20_000
"""Characters of a page of ``expand``."""

SESSIONS: Final = 50
LINES: Final = 50
"""Sessions that are listed, and lines that are found, at most."""

RESULTS: Final = ("failed", "completed", "cancelled", "active")

_RUN: Final = re.compile(r"(?:run[_ ]?)?(\d{1,6})", re.ASCII)
_HEAD: Final = 150
"""Tokens of the first line of an answer and of what is missing in it, at most."""


@define
class Answers:
    """The answers to what tools are asked; each raises an error of the store, or a ``SettingError``.

    Args:
        opened: where to look.
        now: the present moment.
    """

    opened: Opened
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def list_sessions(self, limit: int = 20, result: str = "", tool: str = "", since: str = "") -> str:
        """Return a line a session, the newest first."""
        from tfclient.mcp.listing import list_text
        from tfstore.document import times

        if result and result not in RESULTS:
            raise SettingError("result", result, f"one of {', '.join(RESULTS)}")
        try:
            begin = times.since(since, self.now()) if since else None
        except ValueError:
            raise SettingError("since", since, "30m, 2h, 3d, 1w, or a date such as 2026-09-02") from None
        store = self.opened.store()
        status, ended = ("active", None) if result == "active" else (None, result or None)
        rows = store.list(status=status, result=ended, tool=tool or None, since=begin, limit=limit + 1)
        more = "there are older ones: narrow it by result, tool or since" if len(rows) > limit else ""
        said = [more, *_unread(store)]
        noted = set(store.noting.ids())
        return list_text(
            rows[:limit],
            " · ".join(filter(None, said)),
            USUAL,
            notes=lambda name: _notes_on(store, name) if name in noted else (),
        )

    def read_session(self, session: str = "last", max_tokens: int = USUAL, run: int | None = None) -> str:
        """Return a session, or one run of it, as text, what is wrong first."""
        from tfclient.reflect.text import render

        found = self.opened.session(session)
        findings = _examined(found.session)
        return _with(
            found,
            max_tokens,
            lambda room: render(found.session, room, findings=findings, run=run, notes=found.notes),
        )

    def expand(self, session: str, what: str, offset: int = 0, max_chars: int = PAGE) -> str:
        """Return all of a step, a note, a run or some steps: a page of it, and where the next begins."""
        from tfclient.reflect.text import expand

        found = self.opened.session(session)
        read = self.opened.store().blobs.get
        limit = max_chars
        while True:
            page = expand(found.session, what, offset, limit, read, found.notes)
            if estimate(page.text) <= LARGEST - _HEAD or limit == 1:
                break
            limit = max(1, limit // 2)
        rest = (
            f"go on with offset={page.next_offset} of {page.total:,}"
            if page.next_offset is not None
            else "the end"
        )
        place = unmarked(escaped(what.strip()[:80]))
        head = (
            f"EXPAND {found.session.session_id} {place} · characters from {page.offset:,} · {rest} · {NOTICE}"
        )
        # A page may begin anywhere, also where a value says what looks like a step.
        return _under(found.troubles, f"{head}\n{'⟨…⟩' if page.offset else ''}{page.text}")

    def search(self, text: str, tool: str = "", kind: str = "", limit: int = 20) -> str:
        """Return the lines that hold a text, of all sessions, the newest first, each cited."""
        from tfclient.mcp.listing import matches_text
        from tfstore.document.labels import Label
        from tfstore.reading.search import NOTE, BadPattern, Pattern, sessions_holding

        kinds = (*get_args(Label), NOTE)
        if kind and kind not in kinds:
            raise SettingError("kind", kind, f"one of {', '.join(kinds)}")
        try:
            pattern = Pattern.of(text)
        except BadPattern as error:
            raise SettingError("text", text, "something to look for") from error
        store = self.opened.store()
        ids = None if not tool else [row.session_id for row in store.list(tool=tool)]
        unread: list[str] = []
        chosen: list[tuple[Session, list[Match]]] = []
        left = limit + 1
        for session, matches in sessions_holding(store, pattern, unread.append, ids=ids, label=kind or None):
            own = list(islice((each for each in matches if not tool or each.tool == tool), left))
            if own:
                chosen.append((session, own))
                left -= len(own)
            if left <= 0:
                break
        more = ""
        if left <= 0:
            chosen[-1] = (chosen[-1][0], chosen[-1][1][:-1])
            more = "there are more: a longer text, a tool or a kind narrows it"
        said = [more, *_few(unread)]
        return matches_text([each for each in chosen if each[1]], " · ".join(filter(None, said)), USUAL)

    def why(self, session: str = "last", part: str = "", max_tokens: int = USUAL) -> str:
        """Return how a session came to fail, or why a run or a step of it is what it is."""
        from tfclient.reflect.findings import examine
        from tfclient.reflect.findings.about import about_steps
        from tfclient.reflect.text.telling import part_text, why_text
        from tfstore.reading.evidence.evidence import evidence_of
        from tfstore.reading.explaining.explain import explain_run, explain_step
        from tfstore.reading.naming import find_run, find_step
        from tfstore.reading.noted import on_run, on_step

        found = self.opened.session(session)
        evidence = evidence_of(found.session)
        findings = examine(evidence).findings
        if not part.strip():
            shown = [each for each in findings if each.severity != "info"]
            return _with(
                found, max_tokens, lambda room: why_text(evidence, room, findings=shown, notes=found.notes)
            )
        facts, read = evidence.facts, self.opened.store().blobs.get
        place = part.strip().strip("[]")
        if number := _RUN.fullmatch(place):
            wanted = find_run(found.session, int(number[1]))
            explained = explain_run(evidence, next(each for each in facts.runs if each.run is wanted), read)
            notes = on_run(found.notes, wanted.run_id)
        else:
            step = find_step(found.session, place)
            explained = explain_step(evidence, next(own for own in facts.every if own.step is step), read)
            notes = on_step(found.notes, step.step_id)
        about = about_steps(findings, explained.rests_on)
        return _with(
            found,
            max_tokens,
            lambda room: part_text(evidence, explained, room, findings=about, notes=notes),
        )

    def findings(self, session: str = "last", severity: str = "", max_tokens: int = USUAL) -> str:
        """Return what is wrong with a session, each with the steps that it rests on."""
        from tfclient.reflect.findings import examine
        from tfclient.reflect.findings.citing import SEVERITIES
        from tfclient.reflect.text.telling import findings_text
        from tfstore.reading.evidence.evidence import evidence_of

        if severity and severity not in SEVERITIES:
            raise SettingError("severity", severity, f"one of {', '.join(SEVERITIES)}")
        found = self.opened.session(session)
        evidence = evidence_of(found.session)
        examined = examine(evidence)
        worst = SEVERITIES[: 1 + [*SEVERITIES].index(severity or "info")]
        shown = [each for each in examined.findings if each.severity in worst]
        told = Found(found.session, found.notes, [*found.troubles, *examined.troubles])
        return _with(told, max_tokens, lambda room: findings_text(evidence, shown, room))

    def diff(self, before: str, after: str = "last", max_tokens: int = USUAL) -> str:
        """Return what changed from one session, or one run of it, to another."""
        from tfclient.reflect.text import diff_text

        old, first = self._side("before", before)
        new, second = self._side("after", after)
        both = Found(new.session, (), [*old.troubles, *new.troubles])
        return _with(
            both,
            max_tokens,
            lambda room: diff_text(old.session, new.session, room, runs=(first, second)),
        )

    def learnings(self, tools: Sequence[str] | None = None, max_tokens: int = USUAL) -> str:
        """Return what sessions taught about tools, what people confirmed, and the gaps that stand open."""
        from tfclient.reflect.adaptations.book import Adaptations
        from tfclient.reflect.lessons.book import Book
        from tfclient.reflect.lessons.giving import notes_among
        from tfclient.reflect.lessons.summing_up import open_gaps

        book = Book(self.opened.folder())
        lessons = book.lessons()
        named = list(tools) if tools else sorted({each.tool for each in lessons})
        notes = notes_among(lessons, named, budget=max_tokens - _HEAD)
        lines = [f"LEARNINGS · {NOTICE}"]
        lines.append(notes.text or "No lesson about these tools may be given out.")
        if notes.left_out:
            lines.append(f"{len(notes.left_out):,} lessons are left out:")
            lines += (f"- {each.lesson_id}: {each.why}" for each in notes.left_out)
        adaptations = [each for each in Adaptations(book.store).every() if each.is_given]
        if adaptations:
            lines.append("Changes of instructions that a person confirmed:")
            lines += (f"- {quoted(each.text, LARGEST)} [{each.adaptation_id}]" for each in adaptations)
        page = book.folder.page()
        gaps = list(open_gaps(page.turns if page else ()))
        lines += ["Open gaps:", *gaps] if gaps else ["No gap stands open."]
        return _fitting(lines, max_tokens)

    def propose_adaptation(
        self, title: str, text: str, because: Sequence[str], tools: Sequence[str] = ()
    ) -> str:
        """Write down a change of instructions that a model proposes, and return its id."""
        from tfclient.reflect.adaptations.book import Adaptations

        at = self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made = Adaptations(self.opened.folder()).propose(title, text, because, at, tools=tools, by="model")
        name = made.adaptation_id
        if made.status != "proposed":
            return f"{name} was proposed before in the same words, and is {made.status}."
        return (
            f"{name} is proposed. It is given to nobody before a person says: tfclient adapt confirm {name}"
        )

    def learnings_page(self) -> str:
        """Return ``learnings.md``, as much of it as an answer may have."""
        from tfclient.reflect.lessons.book import Book

        page = Book(self.opened.folder()).folder.page()
        if page is None:
            return "Nothing was noted yet: `tfclient notes --all` learns from all sessions."
        return _fitting([f"LEARNINGS · {NOTICE}", *map(escaped, page.text.splitlines())], LARGEST)

    def _side(self, name: str, typed: str) -> tuple[Found, int | None]:
        session, colon, rest = typed.partition(":")
        number = _RUN.fullmatch(rest)
        if colon and number is None:
            raise SettingError(name, typed, "a session, or a run of one as last:2")
        return self.opened.session(session), None if number is None else int(number[1])


def _examined(session: Session) -> list[Finding]:
    from tfclient.reflect.findings import examine

    return [each for each in examine(session).findings if each.severity != "info"]


def _with(found: Found, max_tokens: int, text: Callable[[int], str]) -> str:
    """Return a text within what sentences on what is missing leave of the budget, and these above it."""
    troubles = [escaped(each) for each in found.troubles]
    room = max_tokens - sum(estimate(f"! {each}\n") for each in troubles)
    if troubles and room < LEAST:
        # Where there is no room for reasons, that something is missing is said all the same.
        troubles = ["this may not be all of the session: `tfclient show` says why"]
        room = max_tokens - 40
    return _under(troubles, text(room))


def _under(troubles: Sequence[str], text: str) -> str:
    return "\n".join([*(f"! {escaped(each)}" for each in troubles), text])


def _notes_on(store: Reading, session_id: str) -> Sequence[Note]:
    """Return what people noted; where that cannot be read, the session itself says so."""
    try:
        return store.noting.read(session_id).notes
    except StoreUnusable:
        return ()


def _unread(store: Reading) -> list[str]:
    return _few(list(store.skipped.values()))


def _few(troubles: Sequence[str]) -> list[str]:
    told = [escaped(each)[:300] for each in troubles[:3]]
    return told + ([f"and {len(troubles) - 3:,} more cannot be read"] if len(troubles) > 3 else [])


def _fitting(lines: Sequence[str], budget: int) -> str:
    """Return as many lines as have room, and how many are left out."""
    left = budget - estimate("… 1,000,000 lines have no room: max_tokens")
    kept: list[str] = []
    for line in lines:
        left -= estimate(f"{line}\n")
        if left < 0:
            return "\n".join([*kept, f"… {len(lines) - len(kept):,} lines have no room: max_tokens"])
        kept.append(line)
    return "\n".join(kept)
