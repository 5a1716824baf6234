"""Journal entries → the connections that can be played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve, field

from tfclient.projection.wire.bodies import body_bytes, parse_json
from tfclient.replaying.kept_sounds import KeptSounds
from tfclient.replaying.recorded import Recorded
from tfclient.replaying.recorded_sockets import Audio, Came, Close, Connection, Heard, Sent
from tfclient.replaying.request import OPEN, SEND
from tfclient.replaying.sockets.spoken import Spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfclient.replaying.kept_sounds import ReadSound
    from tfstore.journal.entries import Entry

RESPONSES: Final = "responses"

_STEER: Final = "response.steer"


def connections_of(
    entries: Sequence[Entry], attempts: Iterable[Recorded], read: ReadSound | None = None
) -> tuple[Connection, ...]:
    """Return the connections that a journal tells of, in the order in which they were opened.

    Args:
        entries: all of a session's, in their order.
        attempts: what was read of its requests.
        read: gives the files of sounds that were kept.
    """
    found: dict[tuple[str, int], _Made] = {}
    requests = {each.exchange_id: each for each in attempts if each.socket is not None}
    for entry in entries:
        kind = entry["type"]
        if kind == "socket.opened":
            place = (str(entry.get("socket")), _number(entry))
            found[place] = _Made(_opened(entry, place))
            found[place].connection.sounds = None if read is None else KeptSounds(read)
            continue
        if kind == "attempt.sent" and entry.get("transport") == "websocket":
            made = found.get((str(entry.get("socket")), entry.get("socket_n") or 1))
            request = requests.get(str(entry["exchange_id"]))
            if made is not None and request is not None:
                made.exchange(entry, request)
        elif kind.startswith("socket."):
            made = found.get((str(entry.get("socket")), _number(entry)))
            if made is not None:
                made.take(kind, entry)
    return tuple(made.whole() for made in found.values())


def told_of(connections: Iterable[Connection]) -> dict[str, str]:
    """Return what connections and messages are, by their names."""
    told = {each.name: f"connection for {each.kind}" for each in connections}
    return told | {sent.name: sent.kind for each in connections for sent in each.sent}


def _opened(entry: Entry, place: tuple[str, int]) -> Connection:
    url = str(entry.get("url") or "")
    opening = Recorded(
        f"{place[0]}#{place[1]}", place[0], 0, OPEN, url, {}, b"", sent_at=int(entry["at"]), socket=place[0]
    )
    error, status = entry.get("error"), entry.get("status")
    return Connection(
        str(entry.get("kind")),
        opening,
        status if isinstance(status, int) else None,
        _texts(entry.get("headers")),
        _texts(entry.get("response_headers")),
        error if isinstance(error, dict) else None,
    )


@define(eq=False)
class _Made:
    connection: Connection
    _sent: list[Sent] = field(factory=list[Sent])
    _requests: list[tuple[int, Recorded, bool, str]] = field(factory=list[tuple[int, Recorded, bool, str]])
    """Of each: when it left, whether the server began it by itself, and what it goes on from."""

    def take(self, kind: str, entry: Entry) -> None:
        at, items = _clock(entry), self.connection.items
        if kind == "socket.frame":
            items.append(self._out(entry, at) if entry.get("dir") == "out" else _came(entry, at))
        elif kind == "socket.audio":
            items.append(_heard(entry, at))
        elif kind == "socket.sound":
            if self.connection.sounds is not None:
                self.connection.sounds.take(entry)
        elif kind == "socket.unsent":
            self._unsent(entry)
        elif kind == "socket.closed":
            code = entry.get("code")
            self.connection.close = Close(
                code if isinstance(code, int) else None,
                str(entry.get("reason") or ""),
                str(entry.get("by")),
                at,
            )

    def _out(self, entry: Entry, at: int) -> Sent:
        data = entry.get("data")
        name = f"{self.connection.name}.{len(self._sent) + 1}"
        if isinstance(data, dict) and "unread" in data:
            made = Sent(at, name, "a message in pieces", None)
        else:
            opening = self.connection.opening
            asked = Recorded(
                name, opening.call, 0, SEND, opening.url, {}, body_bytes(data), sent_at=int(entry["at"]),
                socket=opening.socket,
            )  # fmt: skip
            made = Sent(at, name, kind_of(data), asked)
        self._sent.append(made)
        return made

    def _unsent(self, entry: Entry) -> None:
        """What was written last did not leave."""
        items, error = self.connection.items, entry.get("error")
        for place in range(len(items) - 1, -1, -1):
            last = items[place]
            if isinstance(last, Sent):
                error = error if isinstance(error, dict) else {}
                items[place] = Sent(last.at, last.name, last.kind, last.asked, error)
                return

    def exchange(self, entry: Entry, request: Recorded) -> None:
        body = parse_json(request.body) if request.body else None
        before = body.get("previous_response_id") if isinstance(body, dict) else None
        self._requests.append((_clock(entry), request, bool(entry.get("automatic")), str(before or "")))

    def whole(self) -> Connection:
        connection = self.connection
        # What was held back while somebody looked for secrets was written after what the program sent meanwhile.
        connection.items.sort(key=lambda each: each.at)
        if connection.kind == RESPONSES:
            self._of_responses()
        elif any(isinstance(each, Came) and each.placeholders for each in connection.items):
            connection.opening = evolve(connection.opening, placeholders=True)
        return connection

    def _of_responses(self) -> None:
        """Say what came of what."""
        connection, answers = self.connection, self.connection.answers
        outs = [(each.at, each.name, _steers(each)) for each in connection.sent]
        outs += [(at, each.exchange_id, None) for at, each, automatic, _ in self._requests if not automatic]
        outs.sort(key=lambda each: each[0])
        connection.began = {name: at for at, name, _ in outs}
        for at, request, automatic, before in self._requests:
            events = list(_events(request, at))
            name = _behind(outs, at, before) if automatic else request.exchange_id
            answers.setdefault(name, []).extend(events)
            refused = (
                request.ending == "no_response" and connection.close is not None and connection.close.at <= at
            )
            if not (automatic or refused):
                connection.exchanges.append(request)
        spoken = Spoken(connection)
        for each in connection.items:
            if isinstance(each, Came):
                answers.setdefault(_behind(outs, each.at, _steered(each)), []).append(each)
            elif isinstance(each, Heard) and not each.is_out:
                said = [Came(each.at, each.audio.event, text) for text in spoken.messages(each)]
                answers.setdefault(_behind(outs, each.at, ""), []).extend(said)
        for came in answers.values():
            came.sort(key=lambda each: each.at)


def _behind(outs: list[tuple[int, str, str | None]], at: int, before: str) -> str:
    """Return the name of what something came of: of what steered the response ``before``, else of the latest."""
    earlier = [each for each in outs if each[0] <= at]
    steering = [name for _, name, steers in earlier if before and steers == before]
    return steering[-1] if steering else (earlier[-1][1] if earlier else "")


def _steers(sent: Sent) -> str | None:
    asked = sent.asked if sent.kind == _STEER else None
    event = parse_json(asked.body) if asked is not None and asked.body else None
    told = event.get("previous_response_id") if isinstance(event, dict) else None
    return told if isinstance(told, str) else None


def _steered(came: Came) -> str:
    event = parse_json(came.data) if came.kind.startswith(_STEER) and came.data is not None else None
    steer = event.get("steer") if isinstance(event, dict) else None
    return str(steer.get("previous_response_id") or "") if isinstance(steer, dict) else ""


def _events(request: Recorded, at: int) -> Iterable[Came]:
    """Yield the events of a request, or the error in their place, as messages."""
    if request.status is not None:
        when = at + request.answered_after
        yield Came(
            when, "error", request.answer.decode("utf-8", "surrogatepass"), "", request.exchange_id,
            request.placeholders,
        )  # fmt: skip
        return
    whole, starts, start = request.answer, [], 0
    for since, data in request.pieces:
        starts.append((start, since))
        start += len(data)
    begin, piece = 0, 0
    for block in whole.split(b"\n\n"):
        while piece + 1 < len(starts) and starts[piece + 1][0] <= begin:
            piece += 1
        begin += len(block) + 2
        head, _, data = block.partition(b"\ndata: ")
        if data:
            kind = head.removeprefix(b"event: ").decode("utf-8", "replace")
            text = data.decode("utf-8", "surrogatepass")
            yield Came(at + starts[piece][1], kind, text, "", request.exchange_id, request.placeholders)


def _came(entry: Entry, at: int) -> Came:
    data = entry.get("data")
    replaced = any(not str(each.get("rule")).startswith("header:") for each in entry.get("redactions") or ())
    if isinstance(data, str):
        return Came(at, kind_of(data), data, placeholders=replaced)
    if isinstance(data, dict) and "base64" in data:
        return Came(at, "bytes", body_bytes(data), placeholders=replaced)
    why = data.get("unread") if isinstance(data, dict) else None
    return Came(at, "a message", None, str(why or "its data is missing"))


def _heard(entry: Entry, at: int) -> Heard:
    # The line was written when a second was full; its first message went by before.
    began = at - max(0, int(entry["at"]) - int(entry.get("first_at") or entry["at"]))
    item, response = entry.get("item_id"), entry.get("response_id")
    audio = Audio(
        str(entry.get("event")),
        item if isinstance(item, str) else None,
        response if isinstance(response, str) else None,
        int(entry.get("frames") or 0),
        int(entry.get("bytes") or 0),
    )
    return Heard(began, entry.get("dir") == "out", audio)


def kind_of(data: Any) -> str:
    """Return the ``type`` of a message, or what it is instead."""
    event = parse_json(data) if isinstance(data, str | bytes) else None
    if isinstance(event, dict):
        return str(event.get("type") or "a message without a type")
    return "text" if isinstance(data, str) else "bytes"


def _clock(entry: Entry) -> int:
    return int(entry.get("mono") or entry["at"])


def _number(entry: Entry) -> int:
    n = entry.get("n")
    return n if isinstance(n, int) else 1


def _texts(headers: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
