"""Audio that was not kept is silence of its length: as many messages, of as many bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.sockets.audio import FIELDS
from tfclient.projection.wire.bodies import parse_json
from tfclient.replaying.recorded_sockets import Came, Heard
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.replaying.recorded_sockets import Item

_SILENT: Final = {"pcmu": b"\xff", "g711_ulaw": b"\xff", "pcma": b"\xd5", "g711_alaw": b"\xd5"}
"""The byte that is no sound, where it is not zero."""

_PLACES: Final = ("output_index", "content_index")


class Silence:
    """Makes the messages of audio of one connection.

    Args:
        items: what went over it, in order.
    """

    def __init__(self, items: list[Item]) -> None:
        self._silent = b"\0"
        self._places: dict[str, dict[str, Any]] = {}
        self._count = 0
        if not any(isinstance(each, Heard) and not each.is_out for each in items):
            return
        for each in items:
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

    def messages(self, heard: Heard) -> Iterator[str]:
        """Yield the messages in place of those that were counted."""
        audio = heard.audio
        each, more = divmod(audio.bytes, max(1, audio.frames))
        for n in range(audio.frames):
            self._count += 1
            event: dict[str, Any] = {"type": audio.event, "event_id": f"event_silence_{self._count}"}
            if audio.response_id is not None:
                event["response_id"] = audio.response_id
            if audio.item_id is not None:
                event["item_id"] = audio.item_id
                event |= {name: self._places.get(audio.item_id, {}).get(name, 0) for name in _PLACES}
            size = each + (n < more)
            event[FIELDS.get(audio.event, "delta")] = base64.b64encode(self._silent * size).decode()
            yield compact(event).decode()
