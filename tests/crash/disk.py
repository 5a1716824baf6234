"""A layer between the program and its store: counts the system calls that change it, and lets one of them go wrong.

What is written through Python's own buffered files (the body of an archive that is not in its place yet) is not
seen; everything else that makes, writes, moves or removes something in the store is.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

ON_PATHS: Final = ("open", "rename", "replace", "unlink", "mkdir", "rmdir", "chmod", "utime")
ON_DESCRIPTORS: Final = ("write", "ftruncate", "fchmod", "fsync")

Fault = Any
"""What is done instead of a call: given the real function and its arguments, it returns, raises or kills."""


class Disk:
    """Stands in for the functions of ``os``, as far as they concern the store.

    Args:
        root: the store's folder.
        fault: done at the call number ``at`` and after it for ``times`` calls in all.
        at: the number of the call, from 0; None: none.
        times: how many calls go wrong.
    """

    def __init__(self, root: Path, fault: Fault = None, at: int | None = None, times: float = 1) -> None:
        self.calls: list[str] = []
        self._root = os.fspath(root)
        self._fault = fault
        self._at = at
        self._times = times
        self._ours: set[int] = set()
        self._lock = threading.RLock()

    def install(self, patch: pytest.MonkeyPatch) -> Disk:
        """Put the layer in place."""
        for name in ON_PATHS:
            patch.setattr(os, name, self._on_path(name, getattr(os, name)))
        for name in ON_DESCRIPTORS:
            patch.setattr(os, name, self._on_descriptor(name, getattr(os, name)))
        close = os.close

        def closing(descriptor: int) -> None:
            self._ours.discard(descriptor)
            close(descriptor)

        patch.setattr(os, "close", closing)
        return self

    def go_wrong(self, fault: Fault) -> None:
        """From now on, every call goes wrong."""
        self._fault, self._at, self._times = fault, len(self.calls), float("inf")

    def work(self) -> None:
        """From now on, all is well."""
        self._at = None

    def _on_path(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any, **options: Any) -> Any:
            if not self._is_ours(path) or (name == "open" and not args[0] & (os.O_CREAT | os.O_RDWR)):
                return real(path, *args, **options)
            result = self._count(name, real, path, *args, **options)
            if name == "open":
                self._ours.add(result)
            return result

        return call

    def _on_descriptor(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *args: Any) -> Any:
            if descriptor not in self._ours:
                return real(descriptor, *args)
            return self._count(name, real, descriptor, *args)

        return call

    def _count(self, name: str, real: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self._lock:
            number = len(self.calls)
            self.calls.append(name)
        if self._at is not None and self._at <= number < self._at + self._times:
            return self._fault(name, real, *args, **options)
        return real(*args, **options)

    def _is_ours(self, path: Any) -> bool:
        return isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self._root)


def dies(_name: str, _real: Callable[..., Any], *_: Any, **__: Any) -> Any:
    """Die before the call."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_halfway(name: str, real: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Die in the middle of a write; of any other call, after it."""
    if name == "write":
        descriptor, data = args
        real(descriptor, bytes(data)[: len(data) // 2])
    else:
        real(*args, **options)
    os.kill(os.getpid(), signal.SIGKILL)


def fails(code: int) -> Fault:
    """Fail with this error."""

    def fault(_name: str, _real: Callable[..., Any], *_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fault


def fails_halfway(code: int) -> Fault:
    """Write half, then fail the next time; any other call fails."""

    def fault(name: str, real: Callable[..., Any], *args: Any, **_: Any) -> Any:
        if name == "write" and len(args[1]) > 1:
            return real(args[0], bytes(args[1])[: len(args[1]) // 2])
        raise OSError(code, os.strerror(code))

    return fault
