"""Ids and times as the API makes them, the same in every run."""

from __future__ import annotations

import hashlib
import threading
from email.utils import formatdate
from typing import Final

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_START: Final = 1_782_321_700


class Ids:
    """Makes ids and a clock out of a seed; safe to share between threads."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._n = 0
        self._lock = threading.Lock()

    def _digest(self, kind: str) -> bytes:
        with self._lock:
            self._n += 1
            return hashlib.sha256(f"{self._seed}:{kind}:{self._n}".encode()).digest()

    def hexed(self, prefix: str) -> str:
        """Give an id such as ``resp_0adb…``: 50 hex digits."""
        return f"{prefix}_0{self._digest(prefix).hex()[:49]}"

    def lettered(self, prefix: str, length: int = 24) -> str:
        """Give an id such as ``call_R52Cn…``."""
        digest = self._digest(prefix)
        return prefix + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)[:length]

    def request(self) -> str:
        """Give an ``x-request-id``."""
        return f"req_{self._digest('req').hex()[:32]}"

    def obfuscation(self, length: int) -> str:
        """Give the padding of a delta."""
        return self.lettered("", 16 - length % 8)


class Clock:
    """Seconds since the epoch: each question moves it on by one."""

    def __init__(self) -> None:
        self._now = _START
        self._lock = threading.Lock()

    def tick(self) -> int:
        with self._lock:
            self._now += 1
            return self._now

    def http_date(self) -> str:
        with self._lock:
            return formatdate(self._now, usegmt=True)
