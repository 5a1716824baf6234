"""Adaptations at the store's file: proposed, revised, confirmed and dropped, each version kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from tfclient.errors import SettingError
from tfclient.reflect.adaptations.adaptation import (
    ANY,
    NAME,
    TEXT,
    TITLE,
    Adaptation,
    Status,
    adaptation_from,
    adaptation_id,
    in_line,
)
from tfclient.reflect.adaptations.citing import looked_up, there
from tfclient.reflect.adaptations.giving import BUDGET, Adapted, adaptations_among
from tfclient.reflect.adaptations.values import MOST, values_in
from tfclient.reflect.text.counting import estimate
from tfstore.document.adaptation_rows import moved, revised
from tfstore.errors import UnknownAdaptation
from tfstore.reading.evidence.evidence import evidence_of
from tfstore.reading.naming import alike

if TYPE_CHECKING:
    from tfstore.document.documents import Json
    from tfstore.store import Store

Say: TypeAlias = Literal["confirmed", "rejected", "kept", "dropped"]

PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes there."""

AFTER: Final[Mapping[Say, frozenset[Status]]] = {
    "confirmed": frozenset({"proposed", "rejected", "dropped"}),
    "rejected": frozenset({"proposed"}),
    "kept": frozenset({"confirmed", "used"}),
    "dropped": frozenset({"confirmed", "used", "kept"}),
}
"""What an adaptation may be before a person says that it is this."""


class HoldsValues(SettingError):
    """A text holds values of the sessions that it rests on."""

    def __init__(self, name: str, value: str, found: Sequence[str]) -> None:
        shown = ", ".join(repr(each) for each in found[:MOST])
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        super().__init__(
            name,
            value,
            f"words without {shown}{more}, which are of the sessions that it rests on and would be told to others",
        )


class Adaptations:
    """The adaptations of a store.

    Example:
        >>> import tempfile
        >>> from tfstore.store import Store
        >>> Adaptations(Store(tempfile.mkdtemp(), create=True)).every()
        []
    """

    def __init__(self, store: Store, patience: float = PATIENCE) -> None:
        self.store = store
        self.patience: Final = patience
        self.folder = store.learnings

    def every(self) -> list[Adaptation]:
        """Return all, those proposed first first.

        Raises:
            LearningsUnreadable, NewerLearnings: they cannot be read.
        """
        return [adaptation_from(row) for row in self.folder.adaptations()]

    def one(self, adaptation_id: str) -> Adaptation:
        """Return one of them.

        Raises:
            UnknownAdaptation: there is none with this id.
            LearningsUnreadable, NewerLearnings: they cannot be read.
        """
        rows = self.folder.adaptations()
        return adaptation_from(rows[_place(rows, adaptation_id)])

    def propose(
        self,
        title: str,
        text: str,
        because: Iterable[str],
        at: str,
        *,
        tools: Iterable[str] = (),
        instructions: str = ANY,
        by: str = "person",
        revises: str | None = None,
        anyway: bool = False,
    ) -> Adaptation:
        """Propose a change of instructions; it is given to nobody before a person confirms it.

        What was proposed before in the same words, for the same, is that, whatever has become of it.

        Args:
            title: what it is about, for people.
            text: what the instructions are to gain: a sentence or two.
            because: ``SESSION#4.7``, ``SESSION#f_1a2b3c4d``, ``L-1a2b3c4d``: what it rests on.
            at: the moment, in UTC.
            tools: names of tools of which one must be at hand; none for any.
            instructions: the beginning of the version that it is for, as ``base_version`` gives it, or ``any``.
            by: who proposes it.
            revises: the id of one of which this is the next version; it is to be confirmed again.
            anyway: although the text holds values of the sessions that it rests on.

        Raises:
            SettingError: something of it cannot be kept, or it rests on nothing.
            HoldsValues: the title or the text holds values of those sessions.
            UnknownSession, UnknownStep, UnknownLesson, UnknownAdaptation: something of it is not there.
            LearningsUnreadable, NewerLearnings: what there is cannot be read; nothing was changed.
            StoreUnusable: it cannot be written.
        """
        names = sorted({in_line("tools", each, TITLE) for each in tools})
        version = _version(instructions)
        told: Json = {
            "title": in_line("title", self.folder.cleared(title, "adaptation.title"), TITLE),
            "text": in_line("text", self.folder.cleared(text, "adaptation.text"), TEXT),
            "applies_to": {"instructions": version, "tools": names},
        }
        whose = in_line("by", self.folder.cleared(by, "adaptation.by"), NAME)
        rests = looked_up(self.store, because)
        told["because"] = list(rests.because)
        if not anyway:
            self._without_values(told, rests.sessions)
        new = adaptation_id(told["title"], told["text"], version, names)
        with self.folder.alone(self.patience):
            rows = self.folder.adaptations()
            if revises is None:
                for row in rows:
                    if row["adaptation_id"] == new:
                        return adaptation_from(row)
                made = revised({}, {**told, "adaptation_id": new}, at, whose, "proposed")
                self.folder.keep_adaptations([*rows, made])
            else:
                place = _place(rows, revises)
                made = revised(rows[place], told, at, whose, "revised")
                self.folder.keep_adaptations([*rows[:place], made, *rows[place + 1 :]])
        return adaptation_from(made)

    def say(
        self, adaptation_id: str, what: Say, at: str, by: str = "person", version: int | None = None
    ) -> Adaptation:
        """Set what a person says of an adaptation.

        Args:
            adaptation_id: the adaptation.
            what: what is said.
            at: the moment, in UTC.
            by: who says it.
            version: the one that the person saw; None for whichever it is.

        Raises:
            UnknownAdaptation: there is none with this id.
            SettingError: it is not one of which that can be said.
            LearningsUnreadable, NewerLearnings, StoreUnusable: as from ``propose``.
        """
        whose = in_line("by", self.folder.cleared(by, "adaptation.by"), NAME)
        with self.folder.alone(self.patience):
            rows = self.folder.adaptations()
            place = _place(rows, adaptation_id)
            status = rows[place]["status"]
            if status not in AFTER[what]:
                allowed = " or ".join(sorted(AFTER[what]))
                raise SettingError("adaptation", f"{adaptation_id} ({status})", f"one that is {allowed}")
            if version not in {None, rows[place]["version"]}:
                raise SettingError("adaptation", adaptation_id, "it another look: it was revised meanwhile")
            rows[place] = moved(rows[place], what, at, whose)
            self.folder.keep_adaptations(rows)
            return adaptation_from(rows[place])

    def mark_used(self, adaptation_ids: Collection[str], at: str) -> None:
        """Write down that sessions were given adaptations, of those that were only confirmed."""
        if not adaptation_ids:
            return
        with self.folder.alone(self.patience):
            rows = self.folder.adaptations()
            after = [
                moved(row, "used", at, "recorded")
                if row["status"] == "confirmed" and row["adaptation_id"] in adaptation_ids
                else row
                for row in rows
            ]
            if after != rows:
                self.folder.keep_adaptations(after)

    def _without_values(self, told: Json, session_ids: Sequence[str]) -> None:
        sessions = [evidence_of(self.store.get(each)) for each in session_ids if there(self.store, each)]
        for name in ("title", "text"):
            if found := values_in(told[name], sessions):
                raise HoldsValues(name, told[name], found)


def adaptations_for(
    store: Store,
    tools: Iterable[str | Mapping[str, Any]] = (),
    instructions: str | None = None,
    budget: int = BUDGET,
    tokens: Callable[[str], int] = estimate,
) -> Adapted:
    """Return the adaptations that people confirmed for these tools and instructions, as text to be put behind these.

    Nothing is sent. The ids stand in the text, so that the record itself says which sessions were given what, and
    ``tfclient adapt effect`` compares them.

    Args:
        store: the store.
        tools: names, or tools as a request has them.
        instructions: what the text will stand behind.
        budget: tokens that the text may take.
        tokens: counts them; an estimate by default.

    Raises:
        SettingError: the budget is no number of tokens.
        LearningsUnreadable, NewerLearnings: what was proposed cannot be read.

    Example:
        >>> import tempfile
        >>> from tfstore.store import Store
        >>> adapted = adaptations_for(Store(tempfile.mkdtemp(), create=True), tools=["pay"])
        >>> adapted.text, adapted.adaptation_ids
        ('', ())
    """
    return adaptations_among(Adaptations(store).every(), tools, instructions, budget, tokens)


def _version(typed: str) -> str:
    version = typed.strip().lower()
    if version != ANY and (not 4 <= len(version) <= 12 or not set(version) <= set("0123456789abcdef")):
        raise SettingError("instructions", typed, "any, or 4 to 12 hex digits of a version")
    return version


def _place(rows: Sequence[Json], adaptation_id: str) -> int:
    ids = [row["adaptation_id"] for row in rows]
    if adaptation_id in ids:
        return ids.index(adaptation_id)
    raise UnknownAdaptation(adaptation_id, alike(adaptation_id, ids))
