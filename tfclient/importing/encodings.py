"""Bodies that came compressed, undone within bounds; of what cannot be undone it is said why.

The header often stays where whoever recorded had undone them already: then the body is taken as it is.
"""

from __future__ import annotations

import importlib
import io
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfstore.journal.zstd import Frame, ZstdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of the largest body when it is unpacked."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_WINDOW_LOG: Final = 23
"""Of the largest window that a body in zstd may ask for: RFC 9659."""
_BLOCK: Final = 1024 * 1024
_SIP: Final = 64
"""Bytes that brotli is given at once: older bindings have no bound of their own, and few of them make megabytes."""


class Undecodable(Exception):
    """A body that cannot be undone, in words."""


class TooMuch(ValueError):
    """A body that unpacks to more than ``LARGEST`` bytes."""

    def __init__(self) -> None:
        super().__init__(f"a body of more than {LARGEST} bytes when unpacked")


@frozen
class Undone:
    """A body as it was before it was compressed.

    ``problem`` says why it is none of that, and then ``data`` is what came; or, where ``is_cut``, that only its
    beginning could be undone.
    """

    data: bytes
    problem: str | None = None
    is_cut: bool = False


def undone(data: bytes, encodings: str) -> Undone:
    r"""Undo the content encodings of a body, the last first.

    Raises:
        TooMuch: it unpacks to too much.

    Example:
        >>> undone(zlib.compress(b"Hello"), "deflate").data
        b'Hello'
        >>> undone(b"Hello", "gzip").data
        b'Hello'
        >>> undone(b"\xff", "compress").problem
        'nothing here undoes compress'
    """
    left = data
    for name in reversed([each.strip().lower() for each in encodings.split(",")]):
        if name in {"", "identity"} or not left:
            continue
        way = _WAYS.get(name) or partial(_of_nobody, name)
        try:
            made, is_whole = way(left)
        except Undecodable as why:
            return Undone(data, str(why))
        if not is_whole:
            return Undone(made or data, f"its {name} ends early", is_cut=bool(made))
        left = made
    return Undone(left)


def _of_nobody(name: str, data: bytes) -> tuple[bytes, bool]:
    if not _is_text(data):
        raise Undecodable(f"nothing here undoes {name}")
    return data, True


def _gzip(data: bytes) -> tuple[bytes, bool]:
    return _inflated(data, 31, "gzip") if data.startswith(_GZIP) else (data, True)


def _deflate(data: bytes) -> tuple[bytes, bool]:
    try:
        # The wrapped form that the standard means; some servers send gzip under this name.
        return _inflated(data, 47, "deflate")
    except Undecodable:
        if _is_text(data):
            return data, True
    # The bare one, in which almost anything begins well.
    undone, is_whole = _inflated(data, -15, "deflate")
    if not is_whole:
        raise Undecodable("its deflate is damaged")
    return undone, True


def _inflated(data: bytes, bits: int, name: str) -> tuple[bytes, bool]:
    made: list[bytes] = []
    size = 0
    while True:
        unpacker = zlib.decompressobj(bits)
        try:
            made.append(unpacker.decompress(data, LARGEST - size + 1))
        except zlib.error as error:
            raise Undecodable(f"its {name} is damaged ({error})") from error
        size += len(made[-1])
        if size > LARGEST:
            raise TooMuch
        data = unpacker.unused_data
        if not unpacker.eof or not data.startswith(_GZIP):
            return b"".join(made), unpacker.eof


def _zstd(data: bytes) -> tuple[bytes, bool]:
    if not data.startswith(_ZSTD):
        return data, True
    made: list[bytes] = []
    while data:
        packed = io.BytesIO(data)
        frame = Frame(packed, window_log=_WINDOW_LOG)
        try:
            made.append(_bounded(iter(lambda: frame.read(_BLOCK), b""), sum(map(len, made))))  # noqa: B023
        except ZstdError as error:
            raise Undecodable(f"its zstd is damaged ({error})") from error
        if not frame.is_whole:
            return b"".join(made), False
        data = frame.unused + packed.read()
    return b"".join(made), True


def _brotli(data: bytes) -> tuple[bytes, bool]:
    binding = _brotli_binding()
    if binding is None:
        if _is_text(data):
            return data, True
        raise Undecodable("nothing here undoes br; where `brotli` or `brotlicffi` is installed, it is undone")
    unpacker = binding.Decompressor()
    feed: Callable[[bytes], bytes] = getattr(unpacker, "process", None) or unpacker.decompress
    try:
        pieces = (feed(data[start : start + _SIP]) for start in range(0, len(data), _SIP))
        made = _bounded(pieces, 0)
    except binding.error as error:
        if _is_text(data):
            return data, True
        raise Undecodable(f"its br is damaged ({error})") from error
    return made, bool(unpacker.is_finished())


def _brotli_binding() -> Any:
    # Neither is asked for: where one of them is, httpx asks every server for br.
    for name in ("brotli", "brotlicffi"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _bounded(pieces: Iterator[bytes], size: int) -> bytes:
    made: list[bytes] = []
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            raise TooMuch
        made.append(piece)
    return b"".join(made)


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(ord(char) < 32 and char not in "\t\n\r" for char in text)


_WAYS: Final[dict[str, Callable[[bytes], tuple[bytes, bool]]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
    "br": _brotli,
}
