"""Audio is counted: a voice is personal, and an hour of it is hundreds of megabytes. Kept it is by ``sounds``."""

from __future__ import annotations

from sys import is_finalizing
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tfclient.capture.sockets.wav import ALAW, MULAW, PCM
from tfstore.disk import fork
from tfstore.journal.entries import stamp

if TYPE_CHECKING:
    from tfstore.journal.entries import SocketAudio

FIELDS: Final = {
    "input_audio_buffer.append": "audio",
    "session.input_audio.append": "audio",
    "session.input_audio_buffer.append": "audio",
    "session.output_audio.fixture.play": "audio",
    "response.output_audio.delta": "delta",
    "response.audio.delta": "delta",
    "session.output_audio.delta": "delta",
}
"""The events that carry audio as base64, and in which field."""

ENDS: Final = {
    "in": frozenset(
        {
            "response.output_audio.done",
            "response.audio.done",
            "response.done",
            "session.output_audio.done",
            "session.closed",
        }
    ),
    "out": frozenset(
        {
            "input_audio_buffer.committed",
            "input_audio_buffer.cleared",
            "input_audio_buffer.speech_stopped",
            "session.closed",
        }
    ),
}
"""What the server says when audio of one direction is over for now."""

ENDS_ANY: Final = ENDS["in"] | ENDS["out"]

_LINE: Final = 1_000_000_000
"""Nanoseconds of audio that goes by that make one line."""

Format: TypeAlias = tuple[int, int, int]
"""Samples a second, bytes of each, and what WAV calls their code (``wav``)."""

_DEFAULT: Final[Format] = (24_000, 2, PCM)


class _Counted:
    """Audio of one item that went by."""

    __slots__ = ("bytes", "event", "first_at", "frames", "item_id", "response_id", "since")

    def __init__(self, event: dict[str, Any], now: int) -> None:
        self.event = str(event["type"])
        self.item_id = _text(event.get("item_id"))
        self.response_id = _text(event.get("response_id"))
        self.first_at, _ = stamp()
        self.since = now
        self.frames = self.bytes = 0


class Audio:
    """What audio went by on one connection, each direction by itself; sender and receiver may be two threads."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._counted: dict[str, dict[str | None, _Counted]] = {"in": {}, "out": {}}
        self.formats: dict[str, Format] = {"in": _DEFAULT, "out": _DEFAULT}

    def take(self, direction: str, event: dict[str, Any], now: int) -> list[_Counted]:
        """Count a message with audio; return what is to be written now: a second of it is full, at most.

        Args:
            direction: which way it goes.
            event: the message.
            now: what ``monotonic_ns`` has just said.
        """
        audio = event[FIELDS[event["type"]]]
        size = len(audio) * 3 // 4 - (audio.endswith("=") + audio.endswith("=="))
        item = _text(event.get("item_id"))
        release = self._lock.release
        is_mine = self._lock.acquire(not is_finalizing())
        try:
            running = self._counted[direction]
            counted = running.get(item)
            if counted is None:
                counted = running[item] = _Counted(event, now)
            counted.frames += 1
            counted.bytes += size
            if now - counted.since < _LINE:
                return []
            del running[item]
            return [counted]
        finally:
            if is_mine:
                release()

    def over(self, kind: str) -> list[tuple[str, _Counted]]:
        """Return what is to be written since an event of this type came."""
        due: list[tuple[str, _Counted]] = []
        for direction, ends in ENDS.items():
            if kind in ends and self._counted[direction]:
                due += self.rest(direction)
        return due

    def rest(self, direction: str) -> list[tuple[str, _Counted]]:
        """Return all that was counted of a direction and not written yet."""
        with self._lock:
            counted, self._counted[direction] = self._counted[direction], {}
        return [(direction, each) for each in counted.values()]

    def configured(self, session: Any) -> None:
        """Note the formats that a session's configuration says."""
        if not isinstance(session, dict):
            return
        audio = session.get("audio")
        for direction, side in (("out", "input"), ("in", "output")):
            told = audio.get(side) if isinstance(audio, dict) else None
            given = told.get("format") if isinstance(told, dict) else session.get(f"{side}_audio_format")
            if given is None and isinstance(audio, dict):
                # A live session has one for both.
                given = audio.get("format")
            kind = str(given.get("type") if isinstance(given, dict) else given or "")
            if "pcmu" in kind or "pcma" in kind or "g711" in kind:
                self.formats[direction] = (8_000, 1, MULAW if "pcmu" in kind or "ulaw" in kind else ALAW)
            elif "pcm" in kind:
                rate = given.get("rate") if isinstance(given, dict) else None
                self.formats[direction] = (
                    rate if isinstance(rate, int) and rate > 0 else _DEFAULT[0],
                    2,
                    PCM,
                )

    def entry(self, direction: str, counted: _Counted, socket: str, n: int) -> SocketAudio:
        """Return the line that says it."""
        at, mono = stamp()
        rate, width, _ = self.formats[direction]
        return {
            "at": at,
            "mono": mono,
            "type": "socket.audio",
            "socket": socket,
            "n": n,
            "dir": "in" if direction == "in" else "out",
            "event": counted.event,
            "item_id": counted.item_id,
            "response_id": counted.response_id,
            "first_at": counted.first_at,
            "frames": counted.frames,
            "bytes": counted.bytes,
            "ms": counted.bytes * 1000 // (rate * width),
        }


def has_audio(kind: Any, event: dict[str, Any]) -> bool:
    """Whether a message is audio and nothing else."""
    field = FIELDS.get(kind) if isinstance(kind, str) else None
    return field is not None and isinstance(event.get(field), str)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
