"""What `tfclient export vcr` writes of sockets, for which vcrpy has no form: the lines of the journal.

They stand under the key ``tfclient`` of the whole cassette. Like all of it they may have been written by anybody, and
are looked at before they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tfclient.importing.kept import KEY, NotKept

SOCKETS: Final = "sockets"

_LATEST: Final = 250_000_000_000_000_000
_MOST_FRAMES: Final = 10_000_000
_LONGEST_FRAME: Final = 64 * 1024 * 1024

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LATEST


def _body(value: Any) -> bool:
    return value is None or isinstance(value, str | dict)


_OF_A_SOCKET: Final[dict[str, Check]] = {"socket": _text, "n": _number}

_FIELDS: Final[dict[str, dict[str, Check]]] = {
    "socket.opened": {**_OF_A_SOCKET, "kind": _text},
    "socket.frame": {**_OF_A_SOCKET, "dir": _text, "data": _body},
    "socket.audio": {**_OF_A_SOCKET, "dir": _text, "event": _text, "first_at": _number},
    "socket.unsent": _OF_A_SOCKET,
    "socket.closed": {**_OF_A_SOCKET, "by": _text},
    "attempt.sent": {"call": _text, "exchange_id": _text, "url": _text, "socket": _text, "body": _body},
    "attempt.answered": {"exchange_id": _text},
    "stream.chunk": {"exchange_id": _text, "data": _body},
    "attempt.ended": {"exchange_id": _text, "ending": _text},
}
"""Of each kind of line what is needed of it."""


def sockets_in(content: Any) -> list[dict[str, Any]]:
    """Return the lines of sockets that a cassette holds.

    Args:
        content: all of it.

    Raises:
        NotKept: they are not as `tfclient export vcr` writes them.

    Example:
        >>> line = {"type": "socket.opened", "at": 1, "mono": 1, "socket": "a", "n": 1, "kind": "realtime"}
        >>> len(sockets_in({"interactions": [], "tfclient": {"sockets": [line]}}))
        1
    """
    own = content.get(KEY) if isinstance(content, dict) else None
    listed = own.get(SOCKETS, []) if isinstance(own, dict) else []
    if not isinstance(listed, list):
        raise NotKept(f"what stands under {KEY}.{SOCKETS} is no list")
    for n, each in enumerate(listed, 1):
        if not _is_good(each):
            raise NotKept(f"line {n} under {KEY}.{SOCKETS} is not as tfclient writes it")
    return listed


def _is_good(line: Any) -> bool:
    if not isinstance(line, dict) or not _number(line.get("at")) or not _number(line.get("mono", 0)):
        return False
    fields = _FIELDS.get(line["type"]) if isinstance(line.get("type"), str) else None
    if fields is None or not all(check(line.get(name)) for name, check in fields.items()):
        return False
    marks = line.get("redactions", [])
    if not isinstance(marks, list) or not all(isinstance(each, dict) for each in marks):
        return False
    if line["type"] == "socket.audio":
        frames, size = line.get("frames"), line.get("bytes")
        good = _number(frames) and _number(size) and 0 < frames <= _MOST_FRAMES  # type: ignore[operator]
        return bool(good and size <= frames * _LONGEST_FRAME)  # type: ignore[operator]
    return True
