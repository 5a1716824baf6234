"""What a played connection gives and expects, without a clock or a socket: one kind for Responses, one for all else."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import frozen

from tfclient.capture.sockets.audio import has_audio
from tfclient.capture.sockets.messages import parsed
from tfclient.replaying.recorded_sockets import Came, Close, Heard, Sent
from tfclient.replaying.sockets.spoken import Spoken
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.recorded_sockets import Connection


@frozen
class Given:
    """A message that the program is given, ``wait`` microseconds after what went before.

    ``mark`` is what a recorder writes of where it comes from.
    """

    data: str | bytes
    wait: int = 0
    mark: dict[str, Any] | None = None


@frozen
class Failed:
    """What sending raises: it did when it was recorded."""

    error: dict[str, Any]


class Desk(Protocol):
    """What a playback does for its connections."""

    def message(self, recorded: Recorded, data: bytes, *, is_json: bool) -> None:
        """Have a message be what was sent next.

        Raises:
            ReplayMiss: it is not.
        """
        ...

    def request(self, url: str, body: dict[str, Any] | bytes) -> tuple[Recorded, Connection, dict[str, Any]]:
        """Find what was recorded of a request for a response, or of another message: it, its connection, the mark.

        Raises:
            ReplayMiss: there is none.
        """
        ...

    def is_played(self, connection: Connection) -> bool:
        """Whether all that was asked for over a connection has been asked for again."""
        ...

    def missed(self, words: str) -> BaseException:
        """Return the miss that words tell of, once it is noted."""
        ...


class Line(Protocol):
    """One played connection."""

    connection: Connection

    def next(self) -> Given | Close | None:
        """Return what comes next; None where nothing does before the program sends.

        Raises:
            ReplayMiss: what came next was not kept.
        """
        ...

    def sent(self, data: bytes, *, is_text: bool) -> Failed | Close | None:
        """Take what the program sends; return what it gets for that, if anything.

        Raises:
            ReplayMiss: that is not what was recorded.
        """
        ...

    def expected(self) -> str:
        """Return, in words, what the recorded program did here."""
        ...

    def unread(self) -> list[str]:
        """Return the types of what the recorded program was given, and this one has not read."""
        ...


_CREATE: Final = "response.create"
_NOT_OF_THE_BODY: Final = frozenset({"type", "stream_id"})
_CUT: Final = frozenset({"cut", "no_response"})
_LEFT: Final = frozenset({"left_early", "cancelled", "never_read"})


class InOrder:
    """A connection whose messages are played in the order recorded.

    What comes waits for what the program sent before it; what the program sends does not wait for what it has not read.
    Audio that it sends matches by being there.
    """

    def __init__(self, connection: Connection, desk: Desk) -> None:
        self.connection = connection
        self._desk = desk
        self._items = connection.items
        self._outs = connection.sent
        self._ordinals = {each.name: n for n, each in enumerate(self._outs)}
        self._place = self._sent = 0
        self._spoken = False
        self._speaks = any(isinstance(each, Heard) and each.is_out for each in self._items)
        self._spoken_here = Spoken(connection)
        self._saying: Iterator[str] = iter(())
        self._before = connection.items[0].at if connection.items else 0

    def next(self) -> Given | Close | None:
        """Return what comes next; None where the program sends first, or nothing more was recorded."""
        for text in self._saying:
            return Given(text)
        while self._place < len(self._items):
            item = self._items[self._place]
            if isinstance(item, Sent) and item.unsent is None and self._ordinals[item.name] >= self._sent:
                return None
            if isinstance(item, Heard) and item.is_out and not self._spoken:
                return None
            self._place += 1
            wait, self._before = max(0, item.at - self._before), item.at
            if isinstance(item, Came):
                if item.data is None:
                    raise self._desk.missed(
                        f"What came next over {self.connection.name} could not be kept ({item.lost})."
                    )
                return Given(item.data, wait)
            if isinstance(item, Heard) and not item.is_out:
                self._saying = self._spoken_here.messages(item)
                for text in self._saying:
                    return Given(text, wait)
        close = self.connection.close
        return close if close is not None and close.by != "program" else None

    def sent(self, data: bytes, *, is_text: bool) -> Failed | Close | None:
        """Take what the program sends."""
        event = parsed(data) if is_text else None
        if event is not None and has_audio(event.get("type"), event):
            if not self._speaks:
                raise self._desk.missed(
                    f"The program sends audio over {self.connection.name}, and the recorded one sent none."
                )
            self._spoken = True
            return None
        if self._sent == len(self._outs):
            close = self.connection.close
            if close is not None and close.by != "program":
                return close
            kind = event.get("type") if event is not None else "a message"
            raise self._desk.missed(
                f"The program sends {kind} over {self.connection.name}, and the recorded one sent nothing more."
            )
        recorded = self._outs[self._sent]
        if recorded.asked is not None:
            self._desk.message(recorded.asked, data, is_json=event is not None)
        self._sent += 1
        return None if recorded.unsent is None else Failed(recorded.unsent)

    def expected(self) -> str:
        """Return what the recorded program did here."""
        if self._place < len(self._items):
            item = self._items[self._place]
            if isinstance(item, Sent):
                return f"the recorded one sent {item.kind} here ({item.name})"
            return "the recorded one sent audio here"
        if self.connection.close is None:
            return "the recording ends here"
        return "the recorded one read nothing more, and closed it"

    def unread(self) -> list[str]:
        """Return the types of what was not read, audio aside."""
        return [each.kind for each in self._items[self._place :] if isinstance(each, Came)]


@frozen(eq=False)
class _Coming:
    """A message that is to come: of which connection, since when; its mark, and the lanes, recorded and now."""

    came: Came
    there: Connection
    since: int
    mark: dict[str, Any] | None = None
    lanes: tuple[str, str] | None = None


class ByRequest:
    """A connection of Responses: what is asked for is found by what it says, and what came of it comes.

    What came after the program had steered comes after it steers.
    """

    def __init__(self, connection: Connection, url: str, desk: Desk) -> None:
        self.connection = connection
        self._url = url
        self._desk = desk
        self._coming: list[tuple[int, int, _Coming]] = []
        self._count = 0
        self._said: set[str] = set()
        self._over: list[Close] = []
        self._stopped: Recorded | None = None
        self._before = 0
        for each in connection.answers.get("", ()):
            self._push(_Coming(each, connection, 0))

    def _push(self, coming: _Coming) -> None:
        self._count += 1
        heappush(self._coming, (coming.came.at, self._count, coming))

    def next(self) -> Given | Close | None:
        """Return what comes next of all that was asked for: the earliest."""
        if self._coming:
            if self._awaited() is not None:
                return None
            coming = heappop(self._coming)[2]
            came = coming.came
            if came.data is None:
                raise self._desk.missed(
                    f"What came next over {self.connection.name} could not be kept ({came.lost})."
                )
            wait = max(0, came.at - self._before) if self._before else 0
            self._before = came.at
            return Given(
                came.data if coming.lanes is None else _in_lane(came.data, *coming.lanes), wait, coming.mark
            )
        if self._over:
            return self._over[0]
        close = self.connection.close
        if close is not None and close.by != "program" and self._desk.is_played(self.connection):
            return close
        return None

    def _awaited(self) -> Sent | None:
        """Return what the recorded program sent before what comes next, and this one has not."""
        coming = self._coming[0][2]
        return next(
            (
                each
                for each in coming.there.sent
                if coming.since < each.at < coming.came.at
                and each.name not in self._said
                and each.unsent is None
            ),
            None,
        )

    def sent(self, data: bytes, *, is_text: bool) -> Failed | Close | None:
        """Take what the program sends, and have what came of it come."""
        if self._over:
            return self._over[0]
        event = parsed(data) if is_text else None
        lane = None
        body: dict[str, Any] | bytes = data
        if event is not None and event.get("type") == _CREATE:
            lane = event.get("stream_id")
            body = {key: value for key, value in event.items() if key not in _NOT_OF_THE_BODY}
        recorded, there, mark = self._desk.request(self._url, body)
        self._said.add(recorded.exchange_id)
        lanes = (recorded.lane, lane) if recorded.lane and isinstance(lane, str) else None
        if lanes is not None and lanes[0] == lanes[1]:
            lanes = None
        since = there.began.get(recorded.exchange_id, 0)
        for came in there.answers.get(recorded.exchange_id, ()):
            own = None if came.exchange_id is None else {**mark, "exchange_id": came.exchange_id}
            self._push(_Coming(came, there, since, own, lanes))
        if recorded.ending in _CUT:
            self._over.append(there.close or Close(1006, "", "network"))
        elif recorded.ending in _LEFT:
            self._stopped = recorded
        unsent = next((each.unsent for each in there.sent if each.name == recorded.exchange_id), None)
        return None if unsent is None else Failed(unsent)

    def expected(self) -> str:
        """Return what the recorded program did here."""
        awaited = self._awaited() if self._coming else None
        if awaited is not None:
            return f"the recorded one sent {awaited.kind} here ({awaited.name})"
        if self._stopped is not None:
            return f"the recorded one stopped reading the answer to {self._stopped.exchange_id} here"
        return "the recorded one read nothing more before it sent, or closed it"

    def unread(self) -> list[str]:
        """Return nothing: what of an answer is read, a program decides."""
        return []


def _in_lane(data: str | bytes, recorded: str, asked: str) -> str | bytes:
    """Return an event in the lane that it is asked for in now."""
    event = parsed(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    if event is None or event.get("stream_id") != recorded:
        return data
    return compact({**event, "stream_id": asked}).decode()
