"""Sounds that were kept (``Recorder(audio="keep")``), piece by piece in the order in which they went by."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import define, field

from tfclient.capture.sockets.wav import HEAD, samples
from tfstore.errors import BlobUnreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfstore.disk.blobs import Blobs
    from tfstore.journal.entries import Entry

ReadSound: TypeAlias = Callable[[dict[str, Any]], bytes | None]
"""Gives the file that a reference stands for; None where it is not there any more."""

_Of: TypeAlias = tuple[str, str | None]


@define(eq=False)
class KeptSounds:
    """What was kept of the sounds that one connection brought.

    ``read`` gives their files, one when it is needed: an hour of them is hundreds of megabytes.
    """

    read: ReadSound
    _kept: dict[_Of, list[tuple[int, dict[str, Any]]]] = field(
        factory=dict[_Of, list[tuple[int, dict[str, Any]]]]
    )

    def take(self, entry: Entry) -> None:
        """Take a line that says what was kept, or what of it is known."""
        sound = entry.get("sound")
        if entry.get("dir") == "in" and isinstance(sound, dict):
            first_at = entry.get("first_at")
            place = (str(entry.get("event")), _text(entry.get("item_id")))
            at = first_at if isinstance(first_at, int) else 0
            self._kept.setdefault(place, []).append((at, sound))

    def played(self) -> PlayedSounds:
        """Return them from their beginning."""
        ordered = {
            place: deque(each for _, each in sorted(found, key=lambda each: each[0]))
            for place, found in self._kept.items()
        }
        return PlayedSounds(self.read, ordered)


@define(eq=False)
class PlayedSounds:
    """The sounds of one connection while they are played."""

    _read: ReadSound
    _left: dict[_Of, deque[dict[str, Any]]]
    _open: dict[_Of, tuple[bytes, int, int]] = field(factory=dict[_Of, tuple[bytes, int, int]])
    """Of the sound that is being played: its samples, how many bytes it was, and how many were taken."""

    def next(self, event: str, item_id: str | None, size: int) -> bytes | None:
        """Return the next ``size`` bytes of what an item sounded like; None where some of them were not kept."""
        place, pieces = (event, item_id), list[bytes]()
        whole = True
        while size > 0:
            sound = self._open.pop(place, None) or self._following(place)
            if sound is None:
                return None
            data, length, taken = sound
            until = min(length, taken + size)
            pieces.append(data[taken:until])
            whole = whole and until <= len(data)
            size -= until - taken
            if until < length:
                self._open[place] = (data, length, until)
        return b"".join(pieces) if whole else None

    def _following(self, place: _Of) -> tuple[bytes, int, int] | None:
        left = self._left.get(place)
        if not left:
            return None
        sound = left.popleft()
        cut = sound.get("truncated")
        length = _count((cut if isinstance(cut, dict) else sound).get("bytes"))
        if "blob" not in sound:
            # Its digest and its length are known.
            return b"", length, 0
        file = self._read(sound)
        if file is None:
            return b"", max(0, length - HEAD), 0
        data = samples(file)
        return data, len(data) + max(0, length - len(file)), 0


def reading(blobs: Blobs, _entries: Sequence[Entry] = ()) -> ReadSound:
    """Return what reads sounds from a store when they are played."""

    def read(sound: dict[str, Any]) -> bytes | None:
        try:
            return blobs.get(sound)
        except BlobUnreadable:
            return None

    return read


def read_now(blobs: Blobs, entries: Sequence[Entry]) -> ReadSound:
    """Return what gives the sounds of a session whose store will be gone: all are read now."""
    read = reading(blobs)
    sounds = [each["sound"] for each in entries if each["type"] == "socket.sound" and each.get("dir") == "in"]
    files = {str(each["blob"]): read(each) for each in sounds if isinstance(each, dict) and "blob" in each}
    return lambda sound: files.get(str(sound["blob"]))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
