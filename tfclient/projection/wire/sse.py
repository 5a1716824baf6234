"""Server-sent events out of text that arrives in any chunking.

Follows the event-stream grammar of the HTML standard: lines end in LF, CR or CRLF, a blank line dispatches,
lines that start with a colon are comments. An event that the stream cut in the middle is never dispatched;
``rest`` says what was left.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.wire.bodies import parse_json

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b"error:", b":")

_BEFORE = b"\xef\xbb\xbf \t\r\n"
_BEGINNING = 64
_LONGEST = max(map(len, _FIELDS))


def begins_events(head: bytes) -> bool | None:
    r"""Return whether a body that begins so is an event stream; None where too little of it is here to tell.

    Example:
        >>> begins_events(b"\nda"), begins_events(b"data: {}"), begins_events(b'{"id": 1}')
        (None, True, False)
    """
    start = head[:_BEGINNING].lstrip(_BEFORE)
    if len(start) < _LONGEST:
        start = head.lstrip(_BEFORE)
    if start.startswith(_FIELDS):
        return True
    return None if any(name.startswith(start) for name in _FIELDS) else False


@define
class ServerEvent:
    """One dispatched event: its ``event:`` name (often absent) and its data lines joined by newlines."""

    event: str | None
    data: str


@define
class EventStream:
    r"""An incremental reader of one event stream.

    Example:
        >>> stream = EventStream()
        >>> stream.feed("event: ping\nda")
        []
        >>> stream.feed("ta: {}\n\n")
        [ServerEvent(event='ping', data='{}')]
    """

    comments: list[str] = field(factory=list[str])
    """Comment lines, each text once: they are often repeated to keep a connection open."""
    _pending: str = ""
    _after_cr: bool = False
    _event: str | None = None
    _data: list[str] = field(factory=list[str])

    @property
    def rest(self) -> str:
        """What has arrived since the last whole event."""
        lines = [f"event: {self._event}"] if self._event is not None else []
        lines += [f"data: {line}" for line in self._data]
        return "\n".join([*lines, self._pending]) if lines else self._pending

    def feed(self, text: str) -> list[ServerEvent]:
        """Take the next piece of the stream and return the events that it completes."""
        if not text:
            return []
        # A CR ends its line at once: the event that is last of a stream must not wait for an LF that never comes.
        if self._after_cr and text[0] == "\n":
            text = text[1:]
        self._after_cr = text.endswith("\r") if text else False
        text = self._pending + text
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        self._pending = lines.pop()
        events: list[ServerEvent] = []
        for line in lines:
            self._take(line, events)
        return events

    def _take(self, line: str, events: list[ServerEvent]) -> None:
        if not line:
            if self._data:
                events.append(ServerEvent(self._event, "\n".join(self._data)))
            self._event, self._data = None, []
            return
        name, _, value = line.partition(":")
        if not name:
            if value and value.strip() not in self.comments:
                self.comments.append(value.strip())
            return
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "error":
            # No field of the standard: how llama.cpp's server says what went wrong.
            events.append(ServerEvent("error", value))


def events_of(text: str) -> dict[str, Any]:
    """Return the events of an event stream that no family reads, as JSON where they are."""
    stream = EventStream()
    told = stream.feed(text)
    events: list[Any] = []
    for event in told:
        data = parse_json(event.data)
        data = event.data if data is None else data
        named = event.event is not None and isinstance(data, dict) and data.get("type") != event.event
        events.append({"event": event.event, "data": data} if named else data)
    made: dict[str, Any] = {"events": events}
    if stream.rest.strip():
        made["cut_event"] = stream.rest
    return made
