"""Audio that comes: what was kept, else silence of its length; as many messages, of as many bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.sockets.audio import FIELDS
from tfclient.projection.wire.bodies import parse_json
from tfclient.replaying.recorded_sockets import Came, Heard
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfclient.replaying.recorded_sockets import Connection

_SILENT: Final = {"pcmu": b"\xff", "g711_ulaw": b"\xff", "pcma": b"\xd5", "g711_alaw": b"\xd5"}
"""The byte that is no sound, where it is not zero."""

_PLACES: Final = ("output_index", "content_index")


class Spoken:
    """Makes the messages of audio of one connection.

    Args:
        connection: what went over it.
    """

    def __init__(self, connection: Connection) -> None:
        self._silent = b"\0"
        self._places: dict[str, dict[str, Any]] = {}
        self._count = 0
        self._kept = None if connection.sounds is None else connection.sounds.played()
        if not any(isinstance(each, Heard) and not each.is_out for each in connection.items):
            return
        for each in connection.items:
            event = parse_json(each.data) if isinstance(each, Came) and each.data is not None else None
            if isinstance(event, dict):
                self._learn(event)

    def _learn(self, event: dict[str, Any]) -> None:
        item = event.get("item")
        name = event.get("item_id") or (item.get("id") if isinstance(item, dict) else None)
        if isinstance(name, str):
            places = self._places.setdefault(name, {})
            places.update({each: event[each] for each in _PLACES if isinstance(event.get(each), int)})
        session = event.get("session")
        if isinstance(session, dict):
            told = session.get("audio")
            output = told.get("output") if isinstance(told, dict) else None
            kind = output.get("format") if isinstance(output, dict) else session.get("output_audio_format")
            kind = kind.get("type") if isinstance(kind, dict) else kind
            self._silent = next((byte for name, byte in _SILENT.items() if name in str(kind)), self._silent)

    def sounds(self, heard: Heard) -> Iterator[tuple[int, bytes | None]]:
        """Yield of each of the messages that were counted how many bytes it had, and those, where they were kept."""
        audio = heard.audio
        # Whole samples: who plays them takes them apart by message.
        width = 1 if self._silent != b"\0" else 2
        each, more = divmod(audio.bytes // width, max(1, audio.frames))
        for n in range(audio.frames):
            size = (each + (n < more)) * width + (audio.bytes % width if n == audio.frames - 1 else 0)
            kept = None if self._kept is None else self._kept.next(audio.event, audio.item_id, size)
            yield size, kept

    def messages(self, heard: Heard) -> Iterator[str]:
        """Yield the messages in place of those that were counted; the ``event_id`` says which are silence."""
        audio = heard.audio
        for size, kept in self.sounds(heard):
            self._count += 1
            name = f"event_{'silence' if kept is None else 'sound'}_{self._count}"
            event: dict[str, Any] = {"type": audio.event, "event_id": name}
            if audio.response_id is not None:
                event["response_id"] = audio.response_id
            if audio.item_id is not None:
                event["item_id"] = audio.item_id
                event |= {name: self._places.get(audio.item_id, {}).get(name, 0) for name in _PLACES}
            data = self._silent * size if kept is None else kept
            event[FIELDS.get(audio.event, "delta")] = base64.b64encode(data).decode()
            yield compact(event).decode()


def silent_in(connections: Iterable[Connection]) -> int:
    """Return how many messages of audio are played as silence."""
    return sum(
        kept is None and size > 0
        for connection in connections
        for spoken in (Spoken(connection),)
        for each in connection.items
        if isinstance(each, Heard) and not each.is_out
        for size, kept in spoken.sounds(each)
    )
