"""The least that a recorder can do before the program goes on: what the promises cost in Python at all.

In place of the recorder's own work on an exchange, one function looks for secrets and writes one line with its
digest: no session, no fork, no failing disk, no earlier body, no counting. What this adds no recorder in Python
can do without that has each request on disk before it leaves, and each chunk before the program has it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from time import monotonic_ns, time_ns
from typing import Any
from unittest import mock

import attrs
from orjson import dumps

from tests.bench.figures import Figure
from tests.bench.timing import Pair, by_turns
from tests.bench.traffic import answering, both, chunks, events, prompt, recorder, streaming
from tests.capture.driver import MODEL
from tfclient.capture import seams as capture
from tfclient.capture.body_tee import tee
from tfclient.redaction.shapes import suspicious


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure the same call and streams as ``a_call`` and ``a_stream``, over mock transports."""
    with answering() as http:
        pair = least_of_a_call(http, 2000 if long else 500)
    yield Figure("6 KB call: added CPU", pair.added, "µs")
    yield Figure("6 KB call: share of the plain client's CPU", pair.share, "%")
    for each in (1, 16):
        with streaming(chunks(each)) as http:
            pair = _turns(http, _read, 200 if long else 40)
        count = len(events())
        yield Figure(
            f"stream of {count} events, {each} a chunk: added CPU an event", pair.added / count, "µs"
        )


def least_of_a_call(http: Any, times: int) -> Pair:
    """Measure one call of 6 KB, recorded so."""
    return _turns(http, _ask, times)


def _ask(client: Any) -> None:
    client.responses.create(model=MODEL, input=prompt())


def _read(client: Any) -> None:
    for _ in client.responses.create(model=MODEL, input=prompt(), stream=True):
        pass


def _turns(http: Any, work: Callable[[Any], None], times: int) -> Pair:
    with recorder() as made, _journal() as journal:
        plain, traced = both(made, http)
        with (
            mock.patch.object(capture, "begin", return_value=journal),
            mock.patch.object(capture, "sent", journal.sent),
            mock.patch.object(capture, "answered", _Journal.answered),
        ):
            return by_turns(lambda: work(plain), lambda: work(traced), times, warm=3)


@attrs.define
class _Journal:
    """A file, and where its last line left off."""

    descriptor: int
    prev: bytes = b""
    seq: int = 0
    attempts: int = 1
    """As of a call that was sent."""

    def write(self, kind: bytes, body: bytes, more: bytes = b"") -> None:
        suspicious(body)
        self.seq += 1
        line = b'{"seq":%d,"at":%d,"mono":%d,"type":"%b",%b"text":%b,"prev":"%b"}' % (
            *(self.seq, time_ns() // 1000, monotonic_ns() // 1000),
            *(kind, more, dumps(body.decode()), self.prev),
        )
        self.prev = sha256(line).hexdigest().encode()
        os.write(self.descriptor, line + b"\n")

    def sent(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Journal:  # noqa: ARG002
        request = args[0]
        self.write(b"attempt.sent", request._content, _headers(request))
        return self

    def answered(self, response: Any) -> None:
        content = response.__dict__.get("_content")
        self.write(b"attempt.answered", content or b"", _headers(response))
        if content is None:
            tee(self, response)  # type: ignore[arg-type]

    def chunk(self, data: bytes, decode: object) -> None:  # noqa: ARG002
        self.write(b"stream.chunk", data)

    def opened(self) -> None: ...

    def ended(self, flush: object) -> None: ...

    def closed(self) -> None: ...

    def collected(self) -> None: ...


def _headers(message: Any) -> bytes:
    listed = message.headers._list
    return b'"headers":%b,' % dumps(b"\n".join([header[-1] for header in listed]).decode())


@contextlib.contextmanager
def _journal() -> Iterator[_Journal]:
    with tempfile.TemporaryFile() as file:
        yield _Journal(file.fileno())
