"""One connection: what passes → journal entries. Nothing in here raises into the program, and nothing waits.

A message is in the journal before it leaves, or before the program has it; audio is counted (``audio``). What asks
for a response of the Responses API, and what comes of it, is written as calls are over HTTP (``responses``).
"""

from __future__ import annotations

import sys
import weakref
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Any, Final

from orjson import dumps

from tfclient import playing
from tfclient.capture.exceptions import describe, is_cancellation
from tfclient.capture.sockets import messages
from tfclient.capture.sockets.audio import ENDS_ANY, Audio, has_audio
from tfclient.capture.sockets.messages import Incoming, as_bytes, kept_alone, one_line, parsed
from tfclient.capture.sockets.responses import Exchanges
from tfclient.capture.sockets.sounds import Sounds
from tfclient.sessions.idle_and_exit import look_again
from tfclient.sessions.writer import SOUNDS
from tfstore.disk.blobs import Blobs
from tfstore.disk.fork import start_thread
from tfstore.disk.paths import StorePaths
from tfstore.journal.entries import dropped, stamp

if TYPE_CHECKING:
    from tfclient.capture.sockets.place import Place
    from tfclient.capture.sockets.sounds import Sound
    from tfstore.journal.entries import Body, Mark, SocketClosed, SocketFrame, SocketOpened, SocketUnsent

_FRAME: Final = b'"at":%%d,"mono":%%d,"type":"socket.frame","socket":%b,"n":%d,"dir":"in","data":%%b'

_LOST: Final = frozenset({1006, 1011})
"""Codes of connections that nobody meant to close."""

_UNREAD: Final[Body] = {"unread": "iterator"}


class Socket:
    """One connection of a manager; made when the library makes its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sessions, self._state = place.sessions, place.state
        self.id, self.n = place.socket, place.n
        self._incoming = Incoming(self._sessions.redactor, "socket.in")
        self._audio = Audio()
        self._sounds = Sounds(self._audio.formats) if self._sessions.keeps_audio != "count" else None
        self._frame = _FRAME % (dumps(self.id).replace(b"%", b"%%"), self.n)
        self._exchanges = Exchanges(place) if place.kind == "responses" else None
        self._tell_sounds_at = 0
        self._asked_to_close = False
        self._is_open = self._is_closed = False
        self._end_error: BaseException | None = None
        """What told first that the connection is over, if something is still to be read."""
        self._connection: weakref.ref[Any] | None = None

    # Opening

    def opened(self, connection: Any) -> None:
        """Journal that the handshake is done."""
        with self._place.guard("recording the opening of a WebSocket"):
            entry = self._opening(connection)
            self._is_open = True
            self._place.write(entry)
            self._connection = weakref.ref(connection)
            if self._exchanges is not None:
                self._exchanges.url = str(entry["url"])
                self._exchanges.connection = self._connection
            # Last: a class of the program's may have no hash, which a set asks for.
            self._state.sockets.add(self._connection)

    def refused(self, connection: Any, error: BaseException) -> None:
        """Journal that the handshake failed."""
        with self._place.guard("recording a WebSocket that was not opened"):
            self._place.error = error
            self._place.write({**self._opening(connection), "error": describe(error, self._sessions)})

    def not_opened(self, error: BaseException) -> None:
        """Journal that there was not even a handshake."""
        at, mono = stamp()
        told = describe(error, self._sessions)
        entry: SocketOpened = {
            "at": at,
            "mono": mono,
            "type": "socket.opened",
            "socket": self.id,
            "n": self.n,
            "kind": self._place.kind,
            "url": None,
            "error": told,
        }
        self._place.write(entry)

    def _opening(self, connection: Any) -> SocketOpened:
        at, mono = stamp()
        redactor, protocol = self._sessions.redactor, connection.protocol
        # `wsuri` before version 15 of the library.
        uri = getattr(protocol, "uri", None) or getattr(protocol, "wsuri", None)
        url, marks = redactor.url(_url_of(uri), "socket.url")
        request, response = getattr(connection, "request", None), getattr(connection, "response", None)
        entry: SocketOpened = {
            "at": at,
            "mono": mono,
            "type": "socket.opened",
            "socket": self.id,
            "n": self.n,
            "kind": self._place.kind,
            "url": url,
        }
        if request is not None:
            entry["headers"], found = redactor.headers(_headers_of(request), "socket.headers")
            marks += found
        if playing.on and (mark := playing.mark_of(connection)) is not None:
            entry["played"] = mark  # type: ignore[typeddict-item] # made by what plays
        if response is not None:
            entry["status"] = response.status_code
            entry["response_headers"], found = redactor.headers(
                _headers_of(response), "socket.response_headers"
            )
            marks += found
        if marks:
            entry["redactions"] = marks
        return entry

    # What comes

    def received(self, message: Any) -> None:
        """Journal a message before the program has it."""
        try:
            data = message if type(message) is bytes else as_bytes(message)
            if data is None:
                return
            if self._exchanges is not None and self._exchanges.goes_on(data):
                return
            incoming = self._incoming
            like = incoming.like
            if like is not None and data.startswith(like.head) and (text := like.take(data)) is not None:
                # Most pieces of text. What it is, the one before has told: it is neither audio nor the end of any.
                incoming.went_by += 1
                mono = monotonic_ns()
                self._place.go_on(self._frame % (time_ns() // 1000, mono // 1000, dumps(text)), mono)
                return
            event = parsed(data)
            if event is None:
                self._odd("in", data)
                return
            if len(data) > messages.LONGEST and self._exchanges is None:
                self._too_long("in", data)
                return
            kind = event.get("type")
            if has_audio(kind, event):
                self._count("in", event)
                return
            entries = self._over(kind)
            if "session" in event:
                self._audio.configured(event["session"])
            if self._sounds is not None:
                self._keep(self._sounds.told(str(kind), event))
            data = one_line(data)
            if self._exchanges is not None and self._exchanges.received(event, data):
                if entries:
                    self._place.write(*entries)
                return
            entries += map(self._as_entry, self._incoming.take(data, (time_ns(), monotonic_ns())))
            if entries:
                self._place.append(*entries)
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._place.fault(error, "recording what a WebSocket brought")

    def _over(self, kind: Any) -> list[Any]:
        """What is to be written of audio that an event of this type ends."""
        if not isinstance(kind, str) or kind not in ENDS_ANY:
            return []
        return [self._audio.entry(way, each, self.id, self.n) for way, each in self._audio.over(kind)]

    def received_in_pieces(self, connection: Any, pieces: list[Any], error: BaseException | None) -> None:
        """Journal a message that the program took piece by piece."""
        with self._place.guard("recording what a WebSocket brought in pieces"):
            if pieces:
                self.received("".join(pieces) if isinstance(pieces[0], str) else b"".join(pieces))
        if error is not None and not isinstance(error, GeneratorExit):
            self.not_received(connection, error)

    def not_received(self, connection: Any, error: BaseException) -> None:
        """Nothing came: look whether the connection is over."""
        self._end_if_over(connection, error, all_read=_says_closed(error))

    def _as_entry(self, kept: Any) -> Any:
        (at, mono), data, marks = kept
        if not marks:
            return self._frame % (at // 1000, mono // 1000, dumps(data))
        return self._frame_entry("in", data, marks, at // 1000, mono // 1000)

    # What leaves

    def sends(self, message: Any, *, is_text: bool | None) -> int:
        """Journal a message before it leaves; return how many entries could be unsent."""
        try:
            if isinstance(message, dict):
                # The library does not take it.
                return 0
            data = as_bytes(message)
            if data is None:
                # An iterable of pieces, which only the library may read.
                self._place.write(self._frame_entry("out", _UNREAD, []))
                return 1
            event = parsed(data) if is_text is not False else None
            if event is None:
                self._odd("out", data)
                return 1
            kind = event.get("type")
            if has_audio(kind, event):
                if not self._cannot_send():
                    self._count("out", event)
                return 0
            if self._exchanges is not None and self._exchanges.sent(event):
                return 0
            if len(data) > messages.LONGEST:
                self._too_long("out", data)
                return 1
            kept, marks = kept_alone(self._sessions.redactor, one_line(data), "socket.out", is_json=True)
            self._place.append(self._frame_entry("out", kept, marks))
        except Exception as error:  # noqa: BLE001 - the program goes on
            self._place.fault(error, "recording what leaves by a WebSocket")
            return 0
        return 1

    def unsent(self, connection: Any, written: int, error: BaseException) -> None:
        """Journal that a message did not leave after all."""
        with self._place.guard("recording what did not leave by a WebSocket"):
            if written:
                at, mono = stamp()
                entry: SocketUnsent = {
                    "at": at,
                    "mono": mono,
                    "type": "socket.unsent",
                    "socket": self.id,
                    "n": self.n,
                    "back": written,
                    "error": describe(error, self._sessions),
                }
                self._place.write(entry)
            if self._exchanges is not None:
                self._exchanges.unsent(error)
        self._end_if_over(connection, error)

    # The end

    def closing(self, connection: Any) -> None:
        """Note that the program closes the connection, if it is the first to."""
        with self._place.guard("recording who closes a WebSocket"):
            self._asked_to_close = self._asked_to_close or not _is_over(connection)

    def closed(self, connection: Any) -> None:
        """Journal the end of a connection that the program has closed."""
        self._end(connection, self._end_error)

    def _cannot_send(self) -> bool:
        connection = None if self._connection is None else self._connection()
        return self._is_closed or (connection is not None and _is_over(connection))

    def _end_if_over(self, connection: Any, error: BaseException, *, all_read: bool = False) -> None:
        with self._place.guard("looking whether a WebSocket is over"):
            if not _is_over(connection):
                return
            self._end_error = self._end_error or error
            # What came before the end is still given to who reads on, and belongs before it.
            if all_read or not _has_unread(connection):
                self._end(connection, self._end_error)

    def _end(self, connection: Any, error: BaseException | None) -> None:
        if self._is_closed or not self._is_open:
            return
        # It holds on to what its frames hold.
        self._is_closed, self._end_error = True, None
        with self._place.guard("recording the end of a WebSocket"):
            at, mono = stamp()
            code, reason, by = self._how(connection.protocol)
            kept, marks = self._sessions.redactor.value(reason, "socket.reason")
            entry: SocketClosed = {
                "at": at,
                "mono": mono,
                "type": "socket.closed",
                "socket": self.id,
                "n": self.n,
                "code": code,
                "reason": kept if isinstance(kept, str) else "",
                "by": by,
            }
            if marks:
                entry["redactions"] = marks
            if error is not None and by == "network" and not is_cancellation(error):
                entry["error"] = describe(error, self._sessions)
            if self._exchanges is not None:
                self._exchanges.over("left_early" if by == "program" else "cut", error)
            self._place.write(*self._rest(), entry)
            if self._sounds is not None:
                self._keep(self._sounds.rest())
            self._sessions.ends.write_late_files(self._state)
        with self._place.guard("letting go of a WebSocket"):
            self._let_go()

    def _rest(self) -> list[Any]:
        """What is still to be written of what passed: audio, and what was held back."""
        audio = [*self._audio.rest("out"), *self._audio.rest("in")]
        return [
            *(self._audio.entry(way, each, self.id, self.n) for way, each in audio),
            *map(self._as_entry, self._incoming.rest()),
        ]

    def _let_go(self) -> None:
        if self._connection is not None:
            self._state.sockets.discard(self._connection)
            # It may be the one that kept the session open.
            look_again()

    def _how(self, protocol: Any) -> tuple[int | None, str, Any]:
        """Return code, reason and who it was that closed the connection."""
        sent, received = protocol.close_sent, protocol.close_rcvd
        code, reason = protocol.close_code, protocol.close_reason or ""
        if received is None:
            by = "program" if self._asked_to_close and (sent is None or sent.code not in _LOST) else "network"
            if by == "program" and sent is not None:
                code, reason = sent.code, sent.reason
        elif protocol.close_rcvd_then_sent:
            by = "network" if received.code in _LOST else "server"
        else:
            by = "network" if sent is not None and sent.code in _LOST else "program"
        return code, reason, by

    # Writing

    def _odd(self, direction: Any, data: bytes) -> None:
        """Journal what is no JSON object: text as text, bytes as bytes."""
        if len(data) > messages.LONGEST:
            self._too_long(direction, data)
            return
        kept, marks = kept_alone(self._sessions.redactor, data, f"socket.{direction}", is_json=False)
        self._place.append(*self._held(direction), self._frame_entry(direction, kept, marks))

    def _too_long(self, direction: Any, data: bytes) -> None:
        size = len(data)
        told: Body = {"unread": "too_long", "bytes": size}
        marks: list[Mark] = [dropped(f"socket.{direction}", "too_long", size)]
        self._place.append(*self._held(direction), self._frame_entry(direction, told, marks))

    def _held(self, direction: str) -> list[Any]:
        """What came before a message that does not go through the stream, and is held back."""
        return [*map(self._as_entry, self._incoming.rest())] if direction == "in" else []

    def _frame_entry(
        self, direction: Any, data: str | Body, marks: list[Mark], at: int = 0, mono: int = 0
    ) -> SocketFrame:
        if not at:
            at, mono = stamp()
        entry: SocketFrame = {
            "at": at,
            "mono": mono,
            "type": "socket.frame",
            "socket": self.id,
            "n": self.n,
            "dir": direction,
            "data": data,
        }
        if marks:
            entry["redactions"] = marks
        return entry

    def _count(self, direction: str, event: dict[str, Any]) -> None:
        now = monotonic_ns()
        if now >= self._tell_sounds_at:
            self._tell_sounds_at = now + SOUNDS // 4
            self._state.writer.sounds(now)
        due = self._audio.take(direction, event, now)
        if self._is_closed:
            due += [each for _, each in self._audio.rest(direction)]
        if due:
            # It goes with what is written next, and by a thread where that takes long: nobody waits for it here.
            for each in due:
                self._state.writer.leave(self._audio.entry(direction, each, self.id, self.n))
            start_thread(self._write_left, "tfclient-audio")

        if self._sounds is not None:
            self._keep(self._sounds.take(direction, event))

    def _keep(self, sounds: list[Sound]) -> None:
        """Have sounds written by a thread: making files of them takes its time."""
        if not sounds or self._sounds is None:
            return
        kept, place, sessions = self._sounds, self._place, self._sessions

        def write() -> None:
            with place.guard("keeping the audio of a WebSocket"):
                blobs = (
                    Blobs(StorePaths(sessions.settings.directory)) if sessions.keeps_audio == "keep" else None
                )
                cap = sessions.settings.max_payload
                sessions.write_aside(place.state, *(kept.written(each, place, blobs, cap) for each in sounds))

        place.state.aside.begin(write, "tfclient-sound")

    def _write_left(self) -> None:
        with self._place.guard("recording the audio of a WebSocket"):
            self._sessions.write(self._state)


def _is_over(connection: Any) -> bool:
    state = getattr(connection.protocol, "state", None)
    return getattr(state, "name", "") in {"CLOSED", "CLOSING"}


def _has_unread(connection: Any) -> bool:
    """Whether the library still has messages for the program; where it does not say so (13, synchronous), none."""
    frames = getattr(getattr(connection, "recv_messages", None), "frames", None)
    if frames is None:
        return False
    return bool(frames.qsize() if hasattr(frames, "qsize") else len(frames))


def _says_closed(error: BaseException) -> bool:
    # Whoever raised it has imported it.
    library = sys.modules.get("websockets.exceptions")
    return library is not None and isinstance(error, library.ConnectionClosed)


def _headers_of(message: Any) -> list[tuple[str, str]]:
    return list(message.headers.raw_items())


def _url_of(uri: Any) -> str:
    """Return a URL as text: the library keeps it in parts."""
    if uri is None:
        return ""
    host = f"[{uri.host}]" if ":" in uri.host else uri.host
    usual = 443 if uri.secure else 80
    port = "" if uri.port == usual else f":{uri.port}"
    return f"{'wss' if uri.secure else 'ws'}://{host}{port}{uri.resource_name}"
