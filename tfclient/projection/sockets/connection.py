"""One socket: when it was open, how it ended, what went over it in numbers. It is one step, in its first run."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field

from tfclient.projection.api.call_errors import error_class, error_from_exception
from tfclient.projection.lineage.book import Book, RunState
from tfclient.projection.replays import counted, played_in
from tfclient.projection.wire.hosts import place_of
from tfstore.document.documents import ErrorInfo, Lineage, Step
from tfstore.document.labels import Ending
from tfstore.document.times import iso, milliseconds
from tfstore.journal.entries import SocketAudio, SocketClosed, SocketOpened

STEP = "websocket.connection"

ENDINGS: dict[str, Ending] = {"program": "closed", "server": "closed", "network": "lost"}

LIMIT_MS = 60 * 60 * 1000 - 5000
"""How long a connection that the server closes has lasted at least, if it was for its age."""


@define(eq=False)
class Connection:
    """A socket and its connections, one after the other."""

    book: Book
    socket: str
    kind: str = "unknown"
    url: str = ""
    run: RunState | None = None
    step: Step | None = None
    opened_at: int = 0
    is_open: bool = False
    n: int = 0
    frames: dict[str, int] = field(factory=lambda: {"out": 0, "in": 0})
    audio: dict[str, dict[str, int]] = field(factory=dict[str, dict[str, int]])
    unread: dict[str, int] = field(factory=dict[str, int])
    """Messages that are not read into runs, by their type."""
    about: dict[str, Any] = field(factory=dict[str, Any])
    """What the server has told of the session over it, at last."""
    sounds: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """Audio that was kept, and is of no item."""
    unsent: int = 0
    played: dict[str, Any] | None = None
    """Where what it gives was recorded, if it comes from no server."""
    expires: bool = False
    """Whether the server has said that the connection is too old."""
    last_at: int = 0
    _last_opened: int = 0
    _times: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    _error: ErrorInfo | None = None
    _ending: Ending | None = None

    @property
    def model(self) -> str | None:
        """The model that the address names."""
        return next((value for name, value in parse_qsl(urlsplit(self.url).query) if name == "model"), None)

    def opened(self, entry: SocketOpened, at: int) -> None:
        """A connection is open, or could not be opened."""
        self.kind, self.n, self.last_at = str(entry["kind"] or self.kind), _number(entry["n"]), at
        self.url = str(entry["url"] or self.url)
        self.opened_at, self._last_opened = self.opened_at or at, at
        self._ending, self.expires = None, False
        told: dict[str, Any] = {"opened_at": iso(at)}
        played = played_in(entry)
        self.played = None if played is None else {"exchange_id": played.exchange_id, "how": played.how}
        if played is not None and played.session_id is not None:
            self.played = {"session_id": played.session_id, **(self.played or {})}
        if self.kind != "responses":
            counted(self.book.session, played)
        status = entry.get("status")
        if status is not None and status != 101:
            told["status_code"] = status
        error = entry.get("error")
        self._error = _refusal(error, status) if isinstance(error, dict) else None
        self.is_open = self._error is None
        if isinstance(error, dict):
            told["error"] = error
            self._ending = "no_response"
        self._times.append(told)

    def heard(self, entry: SocketAudio, at: int) -> int:
        """Audio went by; return how many milliseconds of it."""
        counts = self.audio.setdefault(str(entry["dir"]), {"frames": 0, "bytes": 0, "ms": 0})
        for name in counts:
            value = entry.get(name)
            counts[name] += value if isinstance(value, int) else 0
        self.last_at = at
        return _number(entry["ms"])

    def closed(self, entry: SocketClosed, at: int) -> None:
        """A connection is over."""
        self.is_open, self.last_at = False, at
        by, told = str(entry["by"]), self._times[-1] if self._times else {}
        lasted = milliseconds(self._last_opened or at, at) or 0
        ending = ENDINGS.get(by, "unknown")
        if by == "server" and (self.expires or lasted >= LIMIT_MS):
            ending = "expired"
        told |= {"closed_at": iso(at), "code": entry["code"], "reason": entry["reason"] or None, "by": by}
        self._ending, error = ending, entry.get("error")
        if isinstance(error, dict):
            told["error"] = error
        if ending == "lost":
            known = error_from_exception(error) if isinstance(error, dict) else None
            self._error = ErrorInfo("transport", known.message if known else "the connection was lost")
            self._error.code = None if entry["code"] is None else str(entry["code"])

    def gave_up(self, at: int) -> None:
        """The session is over, and nobody said that the connection is."""
        if self.is_open:
            self.is_open, self._ending = False, "unknown"
            self.last_at = max(self.last_at, at)

    def placed(self, run: RunState | None, at: int) -> RunState:
        """Put its step into this run, if it is in none yet; without one, into a run of its own."""
        if self.run is not None:
            return run or self.run
        if run is None:
            run = self.book.open_run(self.opened_at or at, "api", Lineage(), None)
            run.run.input_text = f"{self.kind} over a WebSocket"
        self.run = run
        began = self.opened_at or at
        payload: dict[str, Any] = {
            "name": f"openai.{self.kind}.connect",
            "kind": self.kind,
            "socket": self.socket,
        }
        payload |= {"url": self.url} | place_of(self.url) if self.url else {}
        self.step = self.book.add(run, "generic", STEP, began, status="in_progress", payload_started=payload)
        self.show()
        return run

    def show(self) -> None:
        """Bring its step up to date."""
        step = self.step
        if step is None:
            return
        payload: dict[str, Any] = {"frames": dict(self.frames)}
        if self.audio:
            payload["audio"] = {way: dict(counts) for way, counts in self.audio.items()}
        if len(self._times) > 1:
            payload["reconnects"] = len(self._times) - 1
        payload["connections"] = [{k: v for k, v in each.items() if v is not None} for each in self._times]
        payload |= self.about
        if self.sounds:
            payload["sounds"] = list(self.sounds)
        if self.unsent:
            payload["unsent"] = self.unsent
        if self.unread:
            payload["not_read"] = dict(self.unread)
        step.payload_completed = payload
        step.status, step.ending, step.error = self._status(), self._ending, self._error
        if self.is_open:
            step.ended_at = step.duration_ms = None
        else:
            step.ended_at = iso(self.last_at)
            step.duration_ms = milliseconds(self.opened_at or self.last_at, self.last_at)
        self.book.touch(step)
        if self.run is not None and self.run.run.trigger == "api":
            self.run.run.status = step.status
            self.book.activity(self.run, self.last_at)

    def _status(self) -> Any:
        if self.is_open:
            return "in_progress"
        return "failed" if self._error is not None else "completed"


def _refusal(told: Any, status: Any) -> ErrorInfo:
    """Return why a connection was not opened: what its status says, else what came in between."""
    error = error_from_exception(told)
    if isinstance(status, int) and status >= 400:
        error.http_status, error.class_ = status, error_class(status, None)
    elif error.class_ == "provider":
        # Names that are not found, certificates: nobody was reached.
        error.class_ = "transport"
    return error


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
