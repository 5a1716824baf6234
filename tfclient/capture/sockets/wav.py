"""Sound as a file that anything plays: WAV, in the format in which it went by."""

from __future__ import annotations

import struct
from typing import Final

PCM: Final = 1
ALAW: Final = 6
MULAW: Final = 7
"""What WAV calls 16-bit samples and the two codes of telephones."""

HEAD: Final = 44
"""Bytes before the sound, where it is samples."""

_LONGEST_HEAD: Final = 58


def wav(data: bytes, rate: int, code: int = PCM) -> bytes:
    """Return one channel of sound as a WAV file.

    Args:
        data: its samples: 16 bits each, little-endian, or 8 bits of a telephone's code.
        rate: samples a second.
        code: ``PCM``, ``ALAW`` or ``MULAW``.

    Example:
        >>> wav(bytes(480), 24_000)[:4], len(wav(bytes(480), 24_000)), len(wav(bytes(80), 8_000, MULAW))
        (b'RIFF', 524, 138)
    """
    width = 2 if code == PCM else 1
    form = struct.pack("<HHIIHH", code, 1, rate, rate * width, width, 8 * width)
    chunks = _chunk(b"fmt ", form if code == PCM else form + b"\0\0")
    if code != PCM:
        chunks += _chunk(b"fact", struct.pack("<I", len(data)))
    chunks += _chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def room(cap: int) -> int:
    """Return how many bytes of sound fit into a file of so many: whole samples."""
    return max(0, cap - _LONGEST_HEAD) & ~1


def samples(file: bytes) -> bytes:
    r"""Return the sound of a WAV file; what is none has no sound.

    Example:
        >>> samples(wav(b"\x01\x02", 24_000)), samples(b"RIFF")
        (b'\x01\x02', b'')
    """
    place = 12
    while file[:4] == b"RIFF" and place + 8 <= len(file):
        (size,) = struct.unpack_from("<I", file, place + 4)
        if file[place : place + 4] == b"data":
            return file[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return b""


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
