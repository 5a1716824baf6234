"""The digest of a long line, by which the next line names it."""

from __future__ import annotations

from hashlib import sha256
from sys import is_finalizing
from typing import TYPE_CHECKING

from tfstore.disk.fork import start_thread

if TYPE_CHECKING:
    from threading import Thread


class LineDigest:
    """A digest that is made by a thread of its own while the program goes on; as text, it is waited for.

    Example:
        >>> str(LineDigest(b"a line"))[:8]
        '31b9ee4a'
    """

    def __init__(self, line: bytes) -> None:
        self._line = line
        self._hex = ""
        self._thread: Thread | None = start_thread(self._make, "tfclient-digest")
        if self._thread is None:
            self._make()

    def _make(self) -> None:
        text = self._line
        if not self._hex:
            self._hex = sha256(text).hexdigest()
        self._line = b""

    def __str__(self) -> str:
        while self._thread is not None and not self._hex:
            self._thread.join(0.1)
            if not self._hex and (is_finalizing() or not self._thread.is_alive()):
                # It will never be done with it.
                self._make()
        return self._hex
