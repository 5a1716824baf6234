"""Audio that is kept because the program asked for it (``Recorder(audio=…)``): one sound for each item.

What goes by is only gathered, as it came; when its item is done, a thread makes a file of it. What the user says is
one stream: which of it is an item, the server tells when it is committed, and from when to when somebody spoke.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.sockets.audio import FIELDS
from tfclient.capture.sockets.wav import room, wav
from tfstore.disk import fork
from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from tfclient.capture.sockets.audio import Format
    from tfclient.capture.sockets.place import Place
    from tfstore.disk.blobs import Blobs
    from tfstore.journal.entries import SocketSound

_PART: Final = 16 * 1024 * 1024
"""Characters of base64 after which a sound is written, and goes on as another: some minutes."""

_INPUT: Final = frozenset(
    {"input_audio_buffer.append", "session.input_audio.append", "session.input_audio_buffer.append"}
)
_ITEM_DONE: Final = frozenset({"response.output_audio.done", "response.audio.done"})
_ALL_DONE: Final = frozenset({"response.done", "session.output_audio.done", "session.closed"})


class Sound:
    """What has come of one sound."""

    __slots__ = ("dir", "event", "first_at", "item_id", "pieces", "response_id", "size")

    def __init__(self, direction: str, event: str, item_id: Any = None, response_id: Any = None) -> None:
        self.dir = direction
        self.event = event
        self.item_id = item_id if isinstance(item_id, str) else None
        self.response_id = response_id if isinstance(response_id, str) else None
        self.first_at, _ = stamp()
        self.pieces: list[str] = []
        self.size = 0


class Sounds:
    """The sounds of one connection; sender and receiver may be two threads.

    Args:
        formats: what is known of the format of each direction; it may be told later.
    """

    def __init__(self, formats: dict[str, Format]) -> None:
        self._formats = formats
        self._lock = fork.lock()
        self._said: deque[tuple[int, str]] = deque()
        """What the program has sent, each with where it begins, in bytes from the beginning of the session."""
        self._sent = self._waiting = 0
        self._said_by = ""
        self._spoken: tuple[int | None, int | None] = (None, None)
        """From where to where somebody spoke, in milliseconds."""
        self._heard: dict[tuple[str, Any], Sound] = {}

    def take(self, direction: str, event: dict[str, Any]) -> list[Sound]:
        """Take a message with audio; return what is to be written now."""
        kind = event["type"]
        text: str = event[FIELDS[kind]]
        with self._lock:
            if direction == "out" and kind in _INPUT:
                self._said.append((self._sent, text))
                self._said_by = kind
                self._sent += _size(text)
                self._waiting += len(text)
                return self._all_said(None) if self._waiting > _PART else []
            if direction == "out":
                played = Sound(direction, kind)
                played.pieces.append(text)
                return [played]
            key = (kind, event.get("item_id") if isinstance(event.get("item_id"), str) else None)
            sound = self._heard.get(key)
            if sound is None:
                sound = self._heard[key] = Sound(direction, kind, key[1], event.get("response_id"))
            sound.pieces.append(text)
            sound.size += len(text)
            return [self._heard.pop(key)] if sound.size > _PART else []

    def told(self, kind: str, event: dict[str, Any]) -> list[Sound]:
        """Take what the server says; return what is to be written since then."""
        with self._lock:
            if kind == "input_audio_buffer.speech_started":
                self._spoken = (_number(event.get("audio_start_ms")), None)
            elif kind == "input_audio_buffer.speech_stopped":
                self._spoken = (self._spoken[0], _number(event.get("audio_end_ms")))
            elif kind == "input_audio_buffer.committed":
                return self._all_said(event.get("item_id"))
            elif kind == "input_audio_buffer.cleared":
                # No item will come of it.
                self._said.clear()
                self._waiting, self._spoken = 0, (None, None)
            elif kind in _ITEM_DONE:
                name = event.get("item_id")
                return [self._heard.pop(key) for key in list(self._heard) if key[1] == name]
            elif kind in _ALL_DONE:
                return self._all_heard()
            return []

    def rest(self) -> list[Sound]:
        """Return all that is not written yet: the connection is over."""
        with self._lock:
            return [*self._all_said(None), *self._all_heard()]

    def _all_heard(self) -> list[Sound]:
        heard, self._heard = self._heard, {}
        return list(heard.values())

    def _all_said(self, item_id: Any) -> list[Sound]:
        """Return what was said as one sound: from where somebody began to speak to where they stopped."""
        start, end = map(self._place, self._spoken)
        sound = Sound("out", self._said_by, item_id)
        while self._said and (end is None or self._said[0][0] < end):
            begin, text = self._said.popleft()
            self._waiting -= len(text)
            if start is None or begin + _size(text) > start:
                sound.pieces.append(text)
        self._spoken = (None, None)
        return [sound] if sound.pieces else []

    def _place(self, ms: int | None) -> int | None:
        rate, width, _ = self._formats["out"]
        return None if ms is None else ms * rate * width // 1000

    def written(self, sound: Sound, place: Place, blobs: Blobs | None, cap: int | None) -> SocketSound:
        """Return the line that says it, the file being written; without blobs, of its digest and length only.

        Raises:
            StoreUnusable: the file cannot be written.
        """
        rate, width, code = self._formats[sound.dir]
        data = b"".join(map(_decoded, sound.pieces))
        if blobs is None:
            kept: dict[str, Any] = {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
        else:
            whole = wav(data, rate, code)
            cut = cap is not None and len(whole) > cap
            kept = blobs.put(wav(data[: room(cap or 0)], rate, code) if cut else whole, "audio/wav")
            if cut:
                kept["truncated"] = {"bytes": len(whole), "sha256": sha256(whole).hexdigest()}
        at, mono = stamp()
        return {
            "at": at,
            "mono": mono,
            "type": "socket.sound",
            "socket": place.socket,
            "n": place.n,
            "dir": "out" if sound.dir == "out" else "in",
            "event": sound.event,
            "item_id": sound.item_id,
            "response_id": sound.response_id,
            "first_at": sound.first_at,
            "ms": len(data) * 1000 // (rate * width),
            "sound": kept,
        }


def _size(text: str) -> int:
    return len(text) * 3 // 4 - (text.endswith("=") + text.endswith("=="))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        # It is no sound to whoever plays it either.
        return b""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
