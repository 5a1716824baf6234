"""What a store is to those who read it, whichever kind it is: a folder on this machine, or a team's database."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from tinydb.queries import QueryLike

    from tfstore.document.documents import Json, Session, Step
    from tfstore.document.notes import Note, Noted
    from tfstore.document.pins import Pin
    from tfstore.index.counters import Counters
    from tfstore.index.rows import Calls, Redacted, SessionRow
    from tfstore.index.wanted import Page, Wanted
    from tfstore.reading.messages import Event, Mode


class ReadingBlobs(Protocol):
    """Long texts and media, kept apart from documents."""

    def get(self, reference: Json | str, /) -> bytes:
        """Return the content of a reference; raises ``BlobUnreadable``."""
        ...

    def where(self, reference: Json | str, /) -> str:
        """Return where the content of a reference lies, for a person; raises ``BlobUnreadable``."""
        ...


class ReadingNotes(Protocol):
    """What people noted on sessions."""

    def ids(self) -> list[str]:
        """Return the ids of all sessions that have notes, sorted."""
        ...

    def read(self, session_id: str, /) -> Noted:
        """Return the notes on a session; none where there are none."""
        ...

    def version(self, session_id: str, /) -> str:
        """Return what changes whenever something is noted or taken back."""
        ...


class Reading(Protocol):
    """A store as those need it who read sessions: commands, the page, diagrams, exports.

    ``where`` names it in messages. What each method gives, and raises, is told at ``tfstore.store.Store`` and at
    its bases.
    """

    @property
    def where(self) -> str: ...

    @property
    def skipped(self) -> Mapping[str, str]: ...

    @property
    def blobs(self) -> ReadingBlobs: ...

    @property
    def noting(self) -> ReadingNotes: ...

    def ids(self) -> list[str]: ...

    def has(self, session_id: str, /) -> bool: ...

    def known(self, session_id: str, /) -> str: ...

    def near(self, session_id: str, /) -> builtins.list[str]: ...

    def last(self) -> str: ...

    def get(self, session_id: str, /) -> Session: ...

    def text(self, session_id: str, /) -> bytes: ...

    def changed_at(self, session_id: str, /) -> str: ...

    def list(
        self,
        *,
        status: str | None = None,
        result: str | None = None,
        since: datetime | str | None = None,
        tool: str | None = None,
        model: str | None = None,
        error_class: str | None = None,
        metadata: Mapping[str, str] | None = None,
        ids: Iterable[str] | None = None,
        sort: str = "",
        limit: int | None = None,
    ) -> list[SessionRow]: ...

    def page(self, wanted: Wanted, limit: int, offset: int, /) -> Page: ...

    def names(self, kind: str, most: int, /) -> builtins.list[tuple[str, int]]: ...

    def thread(self, begin: str, /) -> builtins.list[str]: ...

    def find(self, query: QueryLike, /) -> Iterator[Session]: ...

    def steps(
        self,
        *,
        label: str | None = None,
        tool: str | None = None,
        status: str | None = None,
        error_class: str | None = None,
        model: str | None = None,
        session_id: str | None = None,
    ) -> Iterator[Step]: ...

    def events(
        self,
        session_id: str,
        mode: Mode = "display",
        types: Iterable[str] | None = None,
        after_seq: int | None = None,
    ) -> Iterator[Event]: ...

    def may_say(
        self,
        pieces: Sequence[str],
        said: Callable[[Session], builtins.list[str]],
        version: int,
        label: str | None,
        /,
    ) -> set[str] | None: ...

    def calls(
        self, label: Literal["assistant_call", "tool_call"], *, since: datetime | str | None = None
    ) -> builtins.list[Calls]: ...

    def counters(self) -> Counters: ...

    def pins(self) -> dict[str, builtins.list[Pin]]: ...

    def redactions(self, session_id: str | None = None, /) -> builtins.list[Redacted]: ...

    def descendants(self, step: Step, /) -> builtins.list[Step]: ...

    def origin(self, step: Step, /) -> Step: ...

    def find_response(self, response_id: str, /) -> tuple[str, Step] | None: ...

    def continued_in(self, response_id: str, /) -> builtins.list[str]: ...

    def notes(self, session_id: str, /) -> builtins.list[Note]: ...

    def noted(
        self, *, tags: Iterable[str] = (), score: str | None = None
    ) -> dict[str, builtins.list[Note]]: ...
