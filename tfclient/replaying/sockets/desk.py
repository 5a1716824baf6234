"""The sockets of one playback: which recorded connection is opened now, and what is sent over it."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.sockets.responses import as_json
from tfclient.replaying.matching import Found, Matching
from tfclient.replaying.missing import no_answer
from tfclient.replaying.request import OPEN, SEND, made_message
from tfclient.replaying.sockets.lines import ByRequest, InOrder, Line
from tfclient.replaying.sockets.of_entries import RESPONSES
from tfstore.disk import fork

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tfclient.errors import ReplayMiss
    from tfclient.replaying.matching import Match
    from tfclient.replaying.places import Place
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.recorded_sockets import Connection
    from tfclient.replaying.request import Request
    from tfclient.replaying.tape import Tape

MAY_STAY: Final = ("rate_limits.updated", "*.delta")
"""Types of messages that a program need not have read at the end, as patterns."""


class Desk:
    """What is played of a tape's sockets.

    Args:
        tape: what was recorded.
        match: how far requests may differ.
        ignored: places that do not count.
        repeats: whether the last answer is given again where all were given.
        take: hears what was found for what.
        missing: makes and notes the miss of a request, of the nearest that is left, and of the one given before.
        noted: notes a miss.
    """

    def __init__(
        self,
        tape: Tape,
        match: Match,
        ignored: tuple[Place, ...],
        *,
        repeats: bool,
        take: Callable[[Found], dict[str, Any]],
        missing: Callable[[Request, Matching], BaseException],
        noted: Callable[[ReplayMiss], BaseException],
    ) -> None:
        self._match: Match = match
        self._tape, self._ignored = tape, ignored
        self._take, self._missing, self._noted = take, missing, noted
        # A function looks into what is asked for; an opening asks for nothing.
        of_openings: Match = "exact" if callable(match) else match
        self._openings = Matching(
            tape, of_openings, ignored, attempts=[each.opening for each in tape.sockets]
        )
        of_responses = [each for each in tape.sockets if each.kind == RESPONSES]
        requests = [asked for each in of_responses for asked in (*each.exchanges, *_asked(each))]
        self._requests = Matching(tape, match, ignored, repeats, attempts=requests)
        self._places = {
            name: each
            for each in of_responses
            for name in (request.exchange_id for request in (*each.exchanges, *_asked(each)))
        }
        self._in_order = {each.name: _asked(each) for each in tape.sockets if each.kind != RESPONSES}
        self._said: set[str] = set()
        self._lines: list[Line] = []
        # Connections may be of several threads.
        self._lock = fork.lock()

    @property
    def count(self) -> int:
        """How many connections, and messages and requests over them, can be played."""
        return self._openings.count + self._requests.count + sum(map(len, self._in_order.values()))

    @property
    def left(self) -> list[Recorded]:
        """What was not opened or sent yet, in the order recorded."""
        said = [
            each for asked in self._in_order.values() for each in asked if each.exchange_id not in self._said
        ]
        return sorted([*self._openings.left, *self._requests.left, *said], key=lambda each: each.sent_at)

    def has(self, kind: str) -> bool:
        """Whether a connection of a kind was recorded."""
        return any(each.kind == kind for each in self._tape.sockets)

    def unread(self, may_stay: Collection[str] = MAY_STAY) -> list[str]:
        """Return the types of what came at the end of a connection that was opened, and was not read.

        Args:
            may_stay: patterns of types that may.
        """
        return [
            kind
            for line in self._lines
            for kind in line.unread()
            if not any(fnmatch(kind, each) for each in may_stay)
        ]

    def opens(self, url: str) -> tuple[Line, dict[str, Any]] | None:
        """Return the line of a connection that is opened, and the mark of it; None where none is recorded.

        Args:
            url: where it is opened to.
        """
        with self._lock:
            found = self._openings.take(self._opening(url))
        if found is None:
            return None
        connection = next(each for each in self._tape.sockets if each.opening is found.recorded)
        line: Line = (
            ByRequest(connection, url, self) if connection.kind == RESPONSES else InOrder(connection, self)
        )
        self._lines.append(line)
        return line, self._take(found)

    def not_opened(self, url: str) -> BaseException:
        """Return the miss of a connection that is not recorded."""
        return self._missing(self._opening(url), self._openings)

    def _opening(self, url: str) -> Request:
        return made_message(OPEN, url, b"", self._tape.redactor, self._ignored)

    # What lines ask.

    def message(self, recorded: Recorded, data: bytes, *, is_json: bool) -> None:
        """Have a message be what was sent next.

        Raises:
            ReplayMiss: it is not.
        """
        asked = made_message(SEND, recorded.url, data, self._tape.redactor, self._ignored, is_json=is_json)
        one = Matching(self._tape, self._match, self._ignored, attempts=[recorded])
        found = one.take(asked)
        if found is None:
            raise self._missing(asked, one)
        self._said.add(recorded.exchange_id)
        self._take(found)

    def request(self, url: str, body: dict[str, Any] | bytes) -> tuple[Recorded, Connection, dict[str, Any]]:
        """Find what was recorded of a request for a response, or of another message: it, its connection, the mark.

        Raises:
            ReplayMiss: there is none.
        """
        method, data = ("POST", as_json(body)) if isinstance(body, dict) else (SEND, body)
        asked = made_message(method, url, data, self._tape.redactor, self._ignored)
        with self._lock:
            found = self._requests.take(asked)
            if found is None:
                raise self._missing(asked, self._requests)
        if found.recorded.unknown is not None:
            raise self._noted(no_answer(self._tape, found.recorded, found.recorded.unknown))
        return found.recorded, self._places[found.recorded.exchange_id], self._take(found)

    def is_played(self, connection: Connection) -> bool:
        """Whether all that was asked for over a connection has been asked for again."""
        own = {each.exchange_id for each in (*connection.exchanges, *_asked(connection))}
        return not any(each.exchange_id in own for each in self._requests.left)

    def missed(self, words: str) -> BaseException:
        """Return the miss that words tell of, once it is noted."""
        from tfclient.errors import ReplayMiss

        return self._noted(ReplayMiss(words))


def _asked(connection: Connection) -> list[Recorded]:
    """Return what was sent, but for what did not leave: that nobody has to send again."""
    return [each.asked for each in connection.sent if each.asked is not None and each.unsent is None]
