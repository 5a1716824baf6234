"""The entries of sockets, each given to whoever reads what goes over its kind. One handler per kind of entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field

from tfclient.projection.calls import Calls
from tfclient.projection.lineage.book import Book
from tfclient.projection.sockets.connection import Connection
from tfclient.projection.sockets.live.live import Live
from tfclient.projection.sockets.live.translation import Translation
from tfclient.projection.sockets.realtime import Realtime
from tfclient.projection.sockets.talk import Talk
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.request_steps import Opening
from tfclient.projection.wire.bodies import parse_json
from tfstore.journal.entries import (
    AttemptAnswered,
    AttemptEnded,
    AttemptSent,
    SocketAudio,
    SocketClosed,
    SocketFrame,
    SocketOpened,
    SocketSound,
    SocketUnsent,
)

NO_JSON = "no JSON object"


_STEER = "response.steer"

_OF_STEERING = frozenset({f"{_STEER}.accepted", f"{_STEER}.pending"})


_READERS: dict[str, Callable[[Connection, Opening, Closing], Talk]] = {
    "realtime": Realtime,
    "live": Live,
    "forks": Live,
    "sideband": Live,
    "translations": Translation,
}
"""Who reads what goes over a socket of each kind; Responses are calls, as over HTTP."""


@define
class _Made:
    """Where a response was asked for, and whether the server was told to forget it."""

    socket: str
    n: int
    stored: bool


@define
class Sockets:
    """All sockets of a session."""

    book: Book
    calls: Calls
    opening: Opening
    closing: Closing
    _readers: dict[str, Talk] = field(factory=dict[str, Talk])
    _known: dict[str, Connection] = field(factory=dict[str, Connection])
    _changed: dict[str, Connection] = field(factory=dict[str, Connection])
    _made: dict[str, _Made] = field(factory=dict[str, _Made])
    """By the step of its call."""
    _sounds: list[SocketSound] = field(factory=list[SocketSound])
    """Those that have not found their step yet."""
    _exchanges: dict[str, str] = field(factory=dict[str, str])
    """The sockets of what is under way."""

    def sent(self, entry: AttemptSent, at: int) -> bool:
        """A request left; one that went over a socket has its place there."""
        done = self.calls.sent(entry, at)
        socket = entry.get("socket")
        call = self.calls.find(entry["call"]) if isinstance(socket, str) else None
        if call is None or call.run is None or call.step is None or not isinstance(socket, str):
            return done
        connection = self._of({"socket": socket, "n": entry.get("socket_n")})
        connection.placed(call.run, at)
        connection.frames["out"] += not entry.get("automatic")
        self._exchanges[str(entry["exchange_id"])] = socket
        arguments = call.step.payload_started.get("arguments")
        stored = not (isinstance(arguments, dict) and arguments.get("store") is False)
        n = entry.get("socket_n")
        here = _Made(socket, n if isinstance(n, int) else 1, stored)
        self._made[call.step.step_id] = here
        if isinstance(arguments, dict) and arguments.get("generate") is False:
            call.step.notes.append("no_generation")
        before = call.node.parent if call.node is not None else None
        there = self._made.get(before.step.step_id) if before is not None else None
        named = call.step.previous_response_id is not None
        if there is not None and named and not there.stored and (there.socket, there.n) != (socket, here.n):
            notes = call.run.run.lineage.notes
            notes += [] if "lost_context" in notes else ["lost_context"]
        return done

    def answered(self, entry: AttemptAnswered, at: int) -> bool:
        """A response began, or was refused."""
        if entry["complete"]:
            self._came(entry["exchange_id"], 1)
        return self.calls.answered(entry, at)

    def ended(self, entry: AttemptEnded, at: int) -> bool:
        """A response is over."""
        self._came(entry["exchange_id"], entry["chunks"])
        return self.calls.attempt_ended(entry, at)

    def _came(self, exchange_id: Any, messages: Any) -> None:
        socket = self._exchanges.pop(str(exchange_id), None)
        if socket is not None and isinstance(messages, int):
            self._of({"socket": socket}).frames["in"] += messages

    def opened(self, entry: SocketOpened, at: int) -> bool:
        """A connection is open, or could not be opened."""
        connection = self._of(entry)
        again = bool(connection.n)
        connection.opened(entry, at)
        reader = self._reader(connection)
        if again and reader is not None:
            reader.reopened()
        if not connection.is_open:
            connection.placed(None, at)
        return True

    def frame(self, entry: SocketFrame, at: int) -> bool:
        """A message left, or came."""
        connection = self._of(entry)
        way = "out" if entry["dir"] == "out" else "in"
        connection.frames[way] += 1
        connection.last_at = at
        data = entry["data"]
        event = parse_json(data) if isinstance(data, str) else None
        if not isinstance(event, dict):
            self._not_read(connection, NO_JSON, at)
            return True
        kind = event.get("type")
        reader = self._reader(connection)
        if reader is not None:
            if not reader.frame(way, event, at):
                self._not_read(connection, "no type", at)
            return True
        if connection.kind == "responses" and kind == _STEER and way == "out":
            self.calls.steering.given(connection.socket, event, at)
        elif connection.kind == "responses" and kind == f"{_STEER}.failed":
            self.calls.steering.failed(connection.socket, event, at)
        elif not isinstance(kind, str):
            self._not_read(connection, "no type", at)
        elif connection.kind != "responses" or kind not in _OF_STEERING:
            self._not_read(connection, kind or "no type", at)
        return True

    def audio(self, entry: SocketAudio, at: int) -> bool:
        """Audio went by."""
        connection = self._of(entry)
        ms = connection.heard(entry, at)
        reader = self._reader(connection)
        if reader is not None:
            reader.audio(entry, ms)
        self.book.session.channel = "voice"
        return True

    def sound(self, entry: SocketSound, _at: int) -> bool:
        """What was said can be heard. It may be told before the item that it is of."""
        if not isinstance(entry["sound"], dict):
            return False
        self._of(entry)
        self._sounds.append(entry)
        return True

    def unsent(self, entry: SocketUnsent, at: int) -> bool:
        """A message that was written did not leave."""
        connection = self._of(entry)
        connection.unsent, connection.last_at = connection.unsent + 1, at
        reader = self._reader(connection)
        if reader is not None:
            reader.unsent()
        return True

    def closed(self, entry: SocketClosed, at: int) -> bool:
        """A connection is over."""
        connection = self._of(entry)
        connection.closed(entry, at)
        reader = self._reader(connection)
        if reader is not None:
            reader.over(str(entry["by"]), at)
        connection.placed(None, at)
        return True

    def give_up(self, at: int) -> None:
        """The session ended: of what is still open nobody knows more."""
        for reader in self._readers.values():
            reader.over("unknown", at)
        for connection in self._known.values():
            if connection.is_open or connection.step is None:
                connection.gave_up(at)
                connection.placed(None, at)
                self._changed[connection.socket] = connection
        self.calls.steering.give_up(at)

    def show(self) -> None:
        """Bring the steps of the connections up to date: not with each message, but when somebody looks."""
        self._sounds = [entry for entry in self._sounds if not self._is_placed(entry)]
        for connection in self._changed.values():
            connection.show()
        self._changed.clear()

    def _is_placed(self, entry: SocketSound) -> bool:
        """Put a sound to its step; to the connection, once that is over and no item of the sound's has come."""
        connection, kept = self._of(entry), entry["sound"]
        reader = self._reader(connection)
        if isinstance(reader, Realtime) and reader.sound(entry, kept):
            return True
        if connection.is_open and entry["item_id"] is not None:
            return False
        told = {"dir": entry["dir"], "item_id": entry["item_id"], "ms": entry["ms"], "audio": kept}
        connection.sounds.append({k: v for k, v in told.items() if v is not None})
        connection.placed(None, connection.last_at)
        return True

    def _not_read(self, connection: Connection, kind: str, at: int) -> None:
        connection.unread[kind] = connection.unread.get(kind, 0) + 1
        connection.placed(None, at)

    def _reader(self, connection: Connection) -> Talk | None:
        reader, made = self._readers.get(connection.socket), _READERS.get(connection.kind)
        if reader is None and made is not None:
            reader = self._readers[connection.socket] = made(connection, self.opening, self.closing)
        return reader

    def _of(self, entry: Any) -> Connection:
        socket = str(entry["socket"])
        connection = self._known.get(socket)
        if connection is None:
            connection = self._known[socket] = Connection(self.book, socket)
        self._changed[socket] = connection
        return connection
