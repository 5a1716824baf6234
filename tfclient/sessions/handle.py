"""One session as the program that records it sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from tfclient.errors import SessionStillOpen, TfclientError
from tfstore.disk.fork import importing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tfclient.playing import Player
    from tfclient.sessions.came_to import SessionSummary
    from tfclient.sessions.sessions import Sessions
    from tfclient.sessions.state import SessionState
    from tfstore.document.notes import Note


C = TypeVar("C")


class SessionHandle:
    """One session as the program that records it sees it.

    ``id`` names it, ``title`` and ``metadata`` are as given; ``error`` says, once its files are due, why they
    could not be written. Use it as a context manager (``with`` or ``async with``) to make it the current session
    of what runs inside.

    Example:
        >>> from tfclient import Recorder
        >>> import tempfile
        >>> recorder = Recorder(tempfile.mkdtemp())
        >>> with recorder.session(title="An example") as session:
        ...     session.annotate("note", {"weather": "fine"})
        >>> session.ended
        True
    """

    def __init__(self, sessions: Sessions, state: SessionState) -> None:
        """Prefer ``client.session()``."""
        self._sessions = sessions
        self._state = state
        self._client: Any = None
        self.id = state.id
        self.metadata = state.metadata

    def _made_by(self, client: Any) -> None:
        self._client = client

    def _played_by(self, player: Player | None) -> None:
        self._state.player = player

    @property
    def client(self) -> Any:
        """The client that made this session, bound to it: what it is asked for belongs here, wherever that is.

        Contexts do not matter to it: not the thread, the task, nor who steps the generator that uses it; also not
        that the session has ended. Its copies (``with_options``) are bound as well; it shares all else with the
        client that it comes from, its connections included, and needs no closing.

        Raises:
            TfclientError: no client made this session; ``bound(client)`` gives one.
        """
        if self._client is None:
            raise TfclientError(
                f"Session {self.id} was made by no client: use session.bound(client), or client.session()."
            )
        return self.bound(self._client)

    def bound(self, client: C) -> C:
        """Return a copy of a client whose calls all belong to this session.

        Args:
            client: a client of the same recorder, or any of the SDK's that an installed one records; sync or async.

        Raises:
            TypeError: it is no such client.
        """
        recorder = getattr(client, "recorder", None)
        is_ours = recorder is None or recorder.sessions is self._sessions
        if not is_ours or not hasattr(client, "with_options"):
            raise TypeError(
                f"session.bound() takes a traced client of the session's own recorder, not {client!r}"
            )
        copied: Any = client.copy()  # type: ignore[attr-defined]
        copied._tf_session = self._state  # noqa: SLF001 - one of ours
        return cast("C", copied)

    @property
    def title(self) -> str:
        """What people find it by."""
        return self._state.title

    @title.setter
    def title(self, title: str) -> None:
        self._state.title = title

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._state.ended

    @property
    def error(self) -> Exception | None:
        """Why its files could not be written, if they could not."""
        return self._state.error

    @property
    def path(self) -> Path:
        """Where the session's document is, or will be."""
        return self._sessions.settings.directory / "sessions" / f"{self.id}.json"

    @property
    def d2_path(self) -> Path:
        """Where the session's diagram is, or will be, once it has ended."""
        return self.path.with_name(f"{self.id}.d2")

    def summary(self, timeout: float | None = 30.0) -> SessionSummary:
        """Return what the session came to, in numbers: turns, tool calls, interruptions, errors, duration, tokens.

        Of one that has ended it waits for the document; of one that goes on they are those of a moment ago. Where there
        is no document, as where nothing is recorded, all are zeros.

        Args:
            timeout: seconds to wait at most.
        """
        from tfclient.sessions.came_to import summary_of

        if self.ended:
            self._sessions.ends.wait(self._state, timeout)
        return summary_of(self._sessions.settings.directory, self.id)

    def annotate(
        self,
        kind: str,
        data: Any = None,
        *,
        call_id: str | None = None,
        response_id: str | None = None,
        step: str | None = None,
    ) -> None:
        """Add a ``generic`` step of the program's own to the session.

        Args:
            kind: what it is; the step's type becomes ``annotation.<kind>``.
            data: anything with a JSON form; other things are kept as their ``repr``. Redacted as all else.
            call_id: the tool call that it belongs to.
            response_id: the response that it belongs to.
            step: the step that it belongs to.
        """
        self._sessions.annotate(self._state, kind, data, call_id=call_id, response_id=response_id, step=step)

    def note(
        self,
        text: str = "",
        *,
        step: str | None = None,
        score: float | None = None,
        tags: Sequence[str] = (),
        author: str | None = None,
    ) -> Note | None:
        """Note what somebody thinks of the session, ended or not: a user's thumb, a check of your own.

        It is no part of what was recorded: ``Store.note`` does the same later, and says more of it.

        Args:
            text: what is to be said, redacted as all else; may be empty beside a score or a tag.
            step: the step that it is about, as ``step_2_8`` or ``2.8``; it need not be in the document yet.
            score: any number: averages are taken of it.
            tags: words to find it by.
            author: who says it.

        Returns:
            The note as it was kept; None where nothing is recorded, or it could not be written: then
            ``client.recorder.health`` says why.

        Raises:
            InvalidNote: something of it cannot be kept (a ``ValueError``).

        Example:
            >>> import tempfile
            >>> from tfclient import Recorder
            >>> recorder = Recorder(tempfile.mkdtemp())
            >>> with recorder.session() as session:
            ...     session.annotate("order", {"id": 4711})
            ...     note = session.note("wrong order", score=0, tags=["bug"])
            >>> note.score, note.tags
            (0, ['bug'])
        """
        from tfstore.document.notes import checked

        note = checked(text, score, tags, author)
        with importing:
            from tfclient.sessions.noting import note_on
        return note_on(self._sessions, self.id, note, step)

    def end(self) -> None:
        """End the session; its document and diagram are written in the background. Harmless when repeated."""
        self._sessions.end(self._state)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the ended session's document and diagram are written; say whether they are.

        Args:
            timeout: seconds to wait at most.

        Raises:
            SessionStillOpen: nobody has ended the session, and no timeout was given.
        """
        if timeout is None and not self.ended:
            raise SessionStillOpen(self.id)
        return self._sessions.ends.wait(self._state, timeout) and self.error is None

    async def finished(self) -> bool:
        """Wait, as ``wait`` does, without holding up the event loop.

        Raises:
            SessionStillOpen: nobody has ended the session.
        """
        import anyio

        if not self.ended:
            raise SessionStillOpen(self.id)
        pause = 0.001
        with self._sessions.ends.waiting():
            while not self._sessions.ends.wait(self._state, 0):
                await anyio.sleep(pause)
                pause = min(pause * 2, 0.05)
        return self.error is None

    def __enter__(self) -> Self:
        self._sessions.enter(self._state)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sessions.leave(self._state, exc)

    async def __aenter__(self) -> Self:
        await self._sessions.open_meanwhile(self._state)
        return self.__enter__()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def __repr__(self) -> str:
        return f"<session {self.id}, {'ended' if self.ended else 'open'}>"

    def _repr_html_(self) -> str | None:
        """What a notebook shows: its document, as far as that is written."""
        from tfclient.notebook import outline
        from tfstore.store import Store

        try:
            return outline(Store(self._sessions.settings.directory).get(self.id))
        except Exception:  # noqa: BLE001 - there is no document yet, and a notebook then shows the line of text
            return None
