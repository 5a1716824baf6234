"""The connections of the ``websockets`` library, watched: subclasses of its own, or of what the program gave.

Messages are seen, not frames. Nothing that was going to be raised is held back, nothing raised that was not, and a
message is given on as the object that it was.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any, Final

SYNC: Final = "sync"
ASYNC: Final = "async"

AT_ONCE: Final = 16
"""How many classes are kept with theirs: a program may make one for each connection, and wants them gone again."""

_WATCHED: Final = ("handshake", "recv", "recv_streaming", "send", "close")


@lru_cache(maxsize=AT_ONCE)
def watching(base: Any, kind: str) -> type[Any]:
    """Return a subclass that tells its ``_tf_socket`` what passes."""
    made: type[Any] = _sync(base) if kind == SYNC else _async(base)
    made.__name__, made.__qualname__ = base.__name__, base.__qualname__
    for name in _WATCHED:
        functools.update_wrapper(vars(made)[name], getattr(base, name))
    return made


def _sync(base: type[Any]) -> type[Any]:  # noqa: C901 - five methods, each a few lines
    # A warning of the library's that names its caller's caller, once: that is the SDK, and not this.
    warns = hasattr(base, "maybe_raise_legacy_warning")

    class Watching(base):  # type: ignore[misc] # known when it runs
        _tf_socket: Any = None

        def handshake(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return super().handshake(*args, **kwargs)
            try:
                result = super().handshake(*args, **kwargs)
            except BaseException as error:
                socket.refused(self, error)
                raise
            socket.opened(self)
            return result

        def recv(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return super().recv(*args, **kwargs)
            if warns:
                self.maybe_raise_legacy_warning()
            try:
                message = base.recv(self, *args, **kwargs)
            except BaseException as error:
                socket.not_received(self, error)
                raise
            socket.received(message)
            return message

        def recv_streaming(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
            socket, pieces = self._tf_socket, []
            try:
                for piece in super().recv_streaming(*args, **kwargs):
                    pieces.append(piece)
                    yield piece
            finally:
                if socket is not None:
                    socket.received_in_pieces(self, pieces, sys.exc_info()[1])

        def send(self, message: Any, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return super().send(message, *args, **kwargs)
            if warns:
                self.maybe_raise_legacy_warning()
            written = socket.sends(message, is_text=kwargs.get("text", args[0] if args else None))
            try:
                return super().send(message, *args, **kwargs)
            except BaseException as error:
                socket.unsent(self, written, error)
                raise

        def close(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return super().close(*args, **kwargs)
            if warns:
                self.maybe_raise_legacy_warning()
            socket.closing(self)
            try:
                return super().close(*args, **kwargs)
            finally:
                socket.closed(self)

    return Watching


def _async(base: type[Any]) -> type[Any]:  # noqa: C901 - five methods, each a few lines
    class Watching(base):  # type: ignore[misc] # known when it runs
        _tf_socket: Any = None

        async def handshake(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return await super().handshake(*args, **kwargs)
            try:
                result = await super().handshake(*args, **kwargs)
            except BaseException as error:
                socket.refused(self, error)
                raise
            socket.opened(self)
            return result

        async def recv(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return await super().recv(*args, **kwargs)
            try:
                message = await base.recv(self, *args, **kwargs)
            except BaseException as error:
                socket.not_received(self, error)
                raise
            socket.received(message)
            return message

        async def recv_streaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            socket, pieces = self._tf_socket, []
            source = super().recv_streaming(*args, **kwargs)
            try:
                async for piece in source:
                    pieces.append(piece)
                    yield piece
            finally:
                # Without this it would be left for the event loop to find. A class of the program's may give
                # what is no generator, and has nothing to close.
                if hasattr(source, "aclose"):
                    await source.aclose()
                if socket is not None:
                    socket.received_in_pieces(self, pieces, sys.exc_info()[1])

        async def send(self, message: Any, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return await super().send(message, *args, **kwargs)
            written = socket.sends(message, is_text=kwargs.get("text", args[0] if args else None))
            try:
                return await super().send(message, *args, **kwargs)
            except BaseException as error:
                socket.unsent(self, written, error)
                raise

        async def close(self, *args: Any, **kwargs: Any) -> Any:
            socket = self._tf_socket
            if socket is None:
                return await super().close(*args, **kwargs)
            socket.closing(self)
            try:
                return await super().close(*args, **kwargs)
            finally:
                socket.closed(self)

    return Watching
