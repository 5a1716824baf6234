"""The tee on a response's body that is still to be read.

A response body that is not in memory gets a tee in place of its stream:

* Chunks pass untouched, in the same sizes, and are journaled before the program has them.
* It is a stream of the same library as the one that it wraps (they check), and forwards everything else.
* It may be iterated twice: the SDK drains a response while its first iterator is suspended.
* It holds no reference to the response, the SDK's stream or the client: that would change when the SDK's own
  ``finally`` blocks run, and with them when connections are given back.
* ``GeneratorExit`` is left alone: that iteration stopped says nothing; that the response was closed does.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.borrowed import Gone, decoders
from tfclient.signals import let_pass

if TYPE_CHECKING:
    from tfclient.capture.exchange import Exchange

LIBRARIES: Final = ("httpx2", "httpx")


def tee(exchange: Exchange, response: Any) -> None:
    """Put a tee on the body of a response."""
    stream = response.stream
    if isinstance(stream, _Tee):
        # A mock library gave the same response again: that reading was another attempt's.
        stream = stream._tf_inner  # noqa: SLF001 - this module's own class
    for library in LIBRARIES:
        module = sys.modules.get(library)
        if module is None:
            continue
        sync, asynchronous = _tees(library)
        if isinstance(stream, module.SyncByteStream):
            response.stream = sync(stream, exchange, _decoding(library, response, exchange))
            return
        if isinstance(stream, module.AsyncByteStream):
            response.stream = asynchronous(stream, exchange, _decoding(library, response, exchange))
            return
    exchange.not_seen(f"the body of a response whose stream is a {type(stream).__qualname__}")


class _Tee:
    """What both kinds of tee have in common."""

    def __init__(self, inner: Any, exchange: Exchange, decoding: Any) -> None:
        self._tf_inner = inner
        self._tf_exchange = exchange
        self._tf_decode: Callable[[bytes], bytes] | None = None if decoding is None else decoding.decode
        self._tf_flush: Callable[[], bytes] | None = None if decoding is None else decoding.flush

    def __getattr__(self, name: str) -> Any:
        # `elapsed`, and whatever else a transport's stream carries.
        if name.startswith("_tf_"):
            raise AttributeError(name)
        return getattr(self._tf_inner, name)

    def __del__(self) -> None:
        exchange = self.__dict__.get("_tf_exchange")
        if exchange is not None:
            exchange.collected()


def _read(tee: _Tee) -> Iterator[bytes]:
    exchange = tee._tf_exchange  # noqa: SLF001 - this module's own class
    record, decode = exchange.chunk, tee._tf_decode  # noqa: SLF001
    exchange.opened()
    try:
        for chunk in tee._tf_inner:  # noqa: SLF001
            record(chunk, decode)
            yield chunk
    except GeneratorExit:
        raise
    except BaseException as error:
        exchange.broke(error)
        raise
    exchange.ended(tee._tf_flush)  # noqa: SLF001


async def _read_async(tee: _Tee) -> AsyncIterator[bytes]:
    exchange = tee._tf_exchange  # noqa: SLF001 - this module's own class
    record, decode = exchange.chunk, tee._tf_decode  # noqa: SLF001
    exchange.opened()
    source = tee._tf_inner.__aiter__()  # noqa: SLF001
    try:
        async for chunk in source:
            record(chunk, decode)
            yield chunk
    except GeneratorExit:
        raise
    except BaseException as error:
        exchange.broke(error)
        raise
    finally:
        # Without this an asynchronous generator would be left for the event loop to find.
        if isinstance(source, AsyncGenerator):
            await source.aclose()
    exchange.ended(tee._tf_flush)  # noqa: SLF001


@cache
def _tees(library: str) -> tuple[type[Any], type[Any]]:
    """Make the two kinds of tee for a library: it checks that streams are of its own classes."""
    module = sys.modules[library]

    class SyncTee(_Tee, module.SyncByteStream):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Iterator[bytes]:
            return _read(self)

        def close(self) -> None:
            try:
                self._tf_inner.close()
            finally:
                self._tf_exchange.closed()

    class AsyncTee(_Tee, module.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __aiter__(self) -> AsyncIterator[bytes]:
            return _read_async(self)

        async def aclose(self) -> None:
            try:
                await self._tf_inner.aclose()
            finally:
                self._tf_exchange.closed()

    return SyncTee, AsyncTee


class _Decoding:
    """Undoes a body's content encoding for the journal; the program undoes it for itself.

    What is journaled must be redacted, and what is compressed cannot be. Once something cannot be undone, the
    rest is taken as it comes.
    """

    def __init__(self, decoders: list[Any]) -> None:
        self._decoders = decoders

    def decode(self, data: bytes) -> bytes:
        try:
            undone = data
            for decoder in self._decoders:
                undone = _joined(decoder.decode(undone))
        except Exception as error:  # noqa: BLE001 - each library has its own errors
            let_pass(error)
            self._decoders = []
            return data
        return undone

    def flush(self) -> bytes:
        rest = b""
        try:
            for decoder in self._decoders:
                rest = (_joined(decoder.decode(rest)) if rest else b"") + _joined(decoder.flush())
        except Exception as error:  # noqa: BLE001 - a body that was cut
            let_pass(error)
            return rest
        return rest


def _joined(data: Any) -> bytes:
    return data if isinstance(data, bytes) else b"".join(data)


_NOTHING: Final = SimpleNamespace(decode=lambda _data: b"", flush=bytes)
"""In place of a decoding that is gone: what could not be redacted is not journaled."""


def _decoding(library: str, response: Any, exchange: Exchange) -> _Decoding | SimpleNamespace | None:
    encodings = response.headers.get("content-encoding")
    if not encodings:
        return None
    try:
        supported = decoders(library)
    except Gone as error:
        exchange.withhold(f"the text of bodies that come as {encodings}", str(error))
        return _NOTHING
    names = [name.strip().lower() for name in encodings.split(",")]
    undoing = [supported[name]() for name in reversed(names) if name in supported and name != "identity"]
    return _Decoding(undoing) if undoing else None
