"""The notetaker at the store's files: entries and lessons are written, set by people, given out, deleted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from attrs import define, field

from tfclient.reflect.lessons.giving import BUDGET, Notes, notes_among
from tfclient.reflect.lessons.notetaker import BY_MODEL, Noted, noted_in
from tfclient.reflect.lessons.rows import lesson_from
from tfclient.reflect.lessons.summing_up import summary_of
from tfclient.reflect.text.counting import estimate
from tfstore.document.learnings import UNDATED, Block, Page
from tfstore.document.lesson_rows import tallied, with_sessions, without_lessons
from tfstore.errors import UnknownLesson
from tfstore.reading.naming import alike

if TYPE_CHECKING:
    from tfclient.reflect.lessons.lesson import Lesson
    from tfstore.disk.learnings_folder import LearningsFolder
    from tfstore.document.documents import Json
    from tfstore.store import Store

Say: TypeAlias = Literal["resolved", "muted", "open", "confirmed"]

PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes there."""

AT_ONCE: Final = 200
"""Sessions that are noted between two writings."""


@define
class Taken:
    """What became of sessions that were noted.

    ``written`` and ``same`` count entries, ``edited`` are those that people changed and that stay theirs, ``removed``
    those from which nothing is to be learnt any more. ``troubles`` are sentences.
    """

    sessions: int = 0
    written: int = 0
    same: int = 0
    removed: int = 0
    archived: int = 0
    edited: list[str] = field(factory=list[str])
    troubles: list[str] = field(factory=list[str])


class Book:
    """What a store's sessions taught.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Session
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", status="closed"))
        >>> book = Book(store)
        >>> book.note(["sess_1"]).written, book.lessons()
        (0, [])
    """

    def __init__(self, store: Store, patience: float = PATIENCE) -> None:
        self.store = store
        self.patience: Final = patience
        self.folder = store.learnings

    def lessons(self) -> list[Lesson]:
        """Return the lessons, the most seen first.

        Raises:
            LearningsUnreadable, NewerLearnings: they cannot be read.
        """
        return [lesson_from(row) for row in self.folder.lessons()]

    def lesson(self, lesson_id: str) -> Lesson:
        """Return a lesson.

        Raises:
            UnknownLesson: there is none with this id.
            LearningsUnreadable, NewerLearnings: they cannot be read.
        """
        return lesson_from(_row(self.folder.lessons(), lesson_id))

    def note(
        self,
        session_ids: Iterable[str],
        skip_tools: Collection[str] = (),
        model: Callable[[str], object] | None = None,
    ) -> Taken:
        """Note what sessions teach; doing it again changes nothing.

        Args:
            session_ids: whole ids, of any number of sessions.
            skip_tools: names of tools from whose answers nothing is learnt.
            model: is given each session as text and gives back lines that cite steps.

        Raises:
            UnknownSession, CorruptDocument, NewerDocument: one of the sessions cannot be read.
            LearningsUnreadable, NewerLearnings: what there is cannot be read; nothing was changed.
            StoreUnusable: it cannot be written.
        """
        taken = Taken()
        waiting: list[Noted] = []
        for session_id in session_ids:
            waiting.append(noted_in(self.store.get(session_id), skip_tools, model))
            if len(waiting) >= AT_ONCE:
                self.take(waiting, taken)
                waiting = []
        self.take(waiting, taken)
        return taken

    def entries(self, session_ids: Iterable[str]) -> Iterator[str]:
        """Yield the entries of sessions as they stand in the files, the newest first.

        Raises:
            LearningsUnreadable: a file cannot be read as text.
        """
        wanted = frozenset(session_ids)
        for month in ("", *reversed(self.folder.months())) if wanted else ():
            page = self.folder.page(month)
            yield from (turn.body for turn in (page.turns if page else ()) if turn.session_id in wanted)

    def take(self, noted: Collection[Noted], taken: Taken | None = None) -> Taken:
        """Write down what sessions leave."""
        told = Taken() if taken is None else taken
        if not noted:
            return told
        with self.folder.alone(self.patience):
            rows = self.folder.lessons()
            pages = _Pages(self.folder)
            # One that is being deleted is not to come back.
            there = [each for each in noted if self.store.paths.document(each.taught.session_id).exists()]
            after = with_sessions(rows, [each.taught for each in there])
            for each in there:
                told.sessions += 1
                told.troubles += each.troubles
                pages.put(each, told)
            pages.take_out_others(there, told)
            if after == rows and not pages.changed and not pages.main_exists:
                # Nothing to say yet: no files are made for that.
                return told
            told.archived += pages.settle([lesson_from(row) for row in after])
            if after != rows:
                self.folder.keep_lessons(after)
            pages.keep()
        return told

    def summarise(self) -> bool:
        """Make the summary of ``learnings.md`` anew; false where it was edited by hand, and stays."""
        with self.folder.alone(self.patience):
            pages = _Pages(self.folder)
            if not pages.main_exists and not self.folder.lessons():
                return True
            pages.settle(self.lessons())
            pages.keep()
            summary = pages.main.summary
            return summary is None or not summary.is_edited

    def say(self, lesson_id: str, what: Say, at: str) -> Lesson:
        """Set what a person says of a lesson: that it is resolved, muted, open, or may be given out.

        Args:
            lesson_id: the lesson.
            what: what is said.
            at: the moment, in UTC.

        Raises:
            UnknownLesson: there is none with this id.
            LearningsUnreadable, NewerLearnings, StoreUnusable: as from ``note``.
        """
        with self.folder.alone(self.patience):
            rows = self.folder.lessons()
            row = _row(rows, lesson_id)
            # What is said is said of all that was seen, whatever the clock of whoever recorded it.
            at = max(at, row["last_seen"])
            said = (
                {"confirmed": True, "confirmed_at": at}
                if what == "confirmed"
                else {"status": what, "status_at": at}
            )
            row["said"] = {**row["said"], **said}
            rows = [tallied(each) if each is row else each for each in rows]
            self._keep(rows)
        return self.lesson(lesson_id)

    def delete(self, lesson_ids: Collection[str]) -> None:
        """Delete lessons; they come back where a session that teaches them is noted again.

        Raises:
            UnknownLesson: there is none with one of these ids; nothing was deleted.
            LearningsUnreadable, NewerLearnings, StoreUnusable: as from ``note``.
        """
        with self.folder.alone(self.patience):
            rows = self.folder.lessons()
            for each in lesson_ids:
                _row(rows, each)
            self._keep(without_lessons(rows, frozenset(lesson_ids)))

    def forget(self, session_ids: Collection[str]) -> list[str]:
        """Take out all that is of sessions; returns where people's own words still name them.

        Raises:
            LearningsUnreadable, NewerLearnings, StoreUnusable: as from ``note``.
        """
        self.folder.forget(session_ids)
        self.summarise()
        return self.folder.naming(session_ids)

    def _keep(self, rows: list[Json]) -> None:
        self.folder.keep_lessons(rows)
        pages = _Pages(self.folder)
        pages.settle([lesson_from(row) for row in rows])
        pages.keep()


class _Pages:
    """``learnings.md`` and its archive while entries are put into them."""

    def __init__(self, folder: LearningsFolder) -> None:
        self._folder = folder
        found = folder.page()
        self.main_exists = found is not None
        self.main = Page.new() if found is None else found
        self._before: dict[str, str] = {"": "" if found is None else found.text}
        self._archives: dict[str, Page] = {}
        self.changed = False

    def put(self, noted: Noted, told: Taken) -> None:
        """Put a session's entries in place of those that it had."""
        for turn in noted.turns:
            self._put(turn, noted, told)

    def take_out_others(self, noted: Collection[Noted], told: Taken) -> None:
        """Take out what these sessions left earlier and leave no more, unless somebody edited it."""
        sessions = {each.taught.session_id: each.keeps_notes for each in noted}
        keys = {turn.key for each in noted for turn in each.turns}
        months = {each.taught.at[:7] or UNDATED for each in noted}
        archives = filter(None, map(self._archive, months))
        for page in (self.main, *archives):
            for turn in page.turns:
                if turn.session_id not in sessions or turn.key in keys or turn.is_edited:
                    continue
                if not (sessions[turn.session_id] and _notes_in(turn)):
                    page.take_out(turn)
                    told.removed += 1
                    self.changed = True

    def _put(self, turn: Block, noted: Noted, told: Taken) -> None:
        page, old = self._where(turn)
        new = _with_notes_of(old, turn) if noted.keeps_notes and old is not None else turn
        if old is not None and old.is_edited:
            told.edited.append(f"{turn.session_id} {turn.run_id}")
        elif old is not None and old.digest == new.digest:
            told.same += 1
        else:
            page.put(new)
            told.written += 1
            self.changed = True

    def _where(self, turn: Block) -> tuple[Page, Block | None]:
        """Return the page that holds the entry of this run already, or the one that it is for."""
        old = self.main.find(turn.key)
        if old is None:
            archive = self._archive(turn.month)
            old = archive.find(turn.key) if archive is not None else None
            if archive is not None and old is not None:
                return archive, old
        return self.main, old

    def _archive(self, month: str) -> Page | None:
        if month not in self._archives:
            found = self._folder.page(month)
            if found is None:
                return None
            self._archives[month] = found
            self._before[month] = found.text
        return self._archives[month]

    def settle(self, lessons: list[Lesson]) -> int:
        """Sum up, and move the oldest entries to the archive while the page is long; returns how many."""
        moved = 0
        self.main.summarise(summary_of(lessons, self.main.turns))
        while self.main.is_long and self.main.turns:
            oldest = self.main.turns[-1]
            archive = self._archive(oldest.month)
            if archive is None:
                archive = self._archives[oldest.month] = Page.new(f"# Learnings of {oldest.month}\n")
                self._before[oldest.month] = ""
            archive.put(oldest)
            self.main.take_out(oldest)
            self.main.summarise(summary_of(lessons, self.main.turns))
            moved += 1
        return moved

    def keep(self) -> None:
        """Write what changed; the archive first, so that an entry may be twice for a moment and never nowhere."""
        for month, page in [*self._archives.items(), ("", self.main)]:
            if page.text != self._before[month]:
                self._folder.keep_page(page, month)


def _with_notes_of(old: Block, new: Block) -> Block:
    """Return an entry with the lines that a model wrote into the one before it, where no model was asked now."""
    lines = _notes_in(old)
    if not lines:
        return new
    *body, outcome = new.body.splitlines(keepends=True)
    return Block.of(new.session_id, new.run_id, "".join([*body, *lines, outcome]))


def _notes_in(turn: Block) -> list[str]:
    return [line for line in turn.body.splitlines(keepends=True) if line.startswith(BY_MODEL)]


def _row(rows: list[Json], lesson_id: str) -> Json:
    for row in rows:
        if row["lesson_id"] == lesson_id:
            return row
    raise UnknownLesson(lesson_id, alike(lesson_id, [row["lesson_id"] for row in rows]))


def notes_for(
    store: Store,
    tools: Iterable[str | Mapping[str, Any]],
    instructions: str | None = None,
    budget: int = BUDGET,
    tokens: Callable[[str], int] = estimate,
    untrusted: Collection[str] = (),
) -> Notes:
    """Return what a store's sessions taught about these tools, as text to be put behind the instructions.

    Nothing is sent and no model is asked. Errors are given by their signatures, without the values of the sessions that
    they are from; what one session only saw, and what untrusted tools said, only when a person confirmed it
    (``tfclient notes confirm``).

    Args:
        store: the store.
        tools: names, or tools as a request has them; then also what they take is compared.
        instructions: what the notes will stand behind: a lesson that stands in them is not given twice.
        budget: tokens that the text may take.
        tokens: counts them; an estimate by default.
        untrusted: names of tools, or patterns such as ``mail_*``, whose words are only given when a person confirmed
            the lesson.

    Raises:
        SettingError: the budget is no number of tokens.
        LearningsUnreadable, NewerLearnings: what was learnt cannot be read.

    Example:
        >>> import tempfile
        >>> from tfstore.store import Store
        >>> notes = notes_for(Store(tempfile.mkdtemp(), create=True), tools=["pay"])
        >>> notes.text, notes.lesson_ids
        ('', ())
    """
    return notes_among(Book(store).lessons(), tools, instructions, budget, tokens, untrusted)


def steps_of(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Yield the session and the step of each place at which a lesson was seen, the newest first."""
    for each in lesson.evidence:
        session_id, _, step_id = each.partition("#")
        yield session_id, step_id
