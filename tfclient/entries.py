"""The journal entries of every call, written as JSON piece by piece.

A program makes calls by the thousand, and making objects only to write them down takes longer than the writing.
Each function here gives the members of one entry, as ``Segment.append`` takes them; what is rare is a ``dict``,
and made where it happens.
"""

from __future__ import annotations

from time import monotonic_ns, time_ns
from typing import Any

from orjson import dumps

from tfstore.json_text import line


def call_started(
    call: bytes,
    *,
    method: str,
    path: str,
    stream: bool,
    cast_to: str,
    tool: str | None,
    explicit_parent: str | None,
) -> bytes:
    """Return a ``call.started``: what the program asked for."""
    return b'"at":%d,"mono":%d,"type":"call.started","call":"%b","method":%b,"path":%b,"stream":%b,' % (
        time_ns() // 1000,
        monotonic_ns() // 1000,
        call,
        line(method),
        line(path),
        b"true" if stream else b"false",
    ) + b'"cast_to":%b,"tool":%b,"explicit_parent":%b' % (
        line(cast_to),
        b"null" if tool is None else line(tool),
        b"null" if explicit_parent is None else line(explicit_parent),
    )


def attempt_sent(
    call: bytes,
    exchange: bytes,
    n: int,
    *,
    at: int,
    mono: int,
    method: str,
    url: bytes,
    headers: bytes,
    body: bytes,
    marks: list[Any],
) -> bytes:
    """Return an ``attempt.sent``; ``url``, ``headers`` and ``body`` are JSON already."""
    return (
        b'"at":%d,"mono":%d,"type":"attempt.sent","call":"%b","exchange_id":"%b","n":%d,"method":%b,"url":%b,'
        b'"headers":%b,"body":%b,"redactions":%b'
        % (at, mono, call, exchange, n, line(method), url, headers, body, dumps(marks) if marks else b"[]")
    )


def attempt_answered(
    exchange: bytes,
    *,
    at: int,
    mono: int,
    status: int,
    headers: bytes,
    body: bytes | None,
    marks: list[Any],
    history: list[Any] | None,
) -> bytes:
    """Return an ``attempt.answered``; ``headers`` and ``body`` are JSON already, and without one it is to come."""
    return (
        b'"at":%d,"mono":%d,"type":"attempt.answered","exchange_id":"%b","status":%d,"headers":%b,"body":%b,'
        b'"complete":%b,"redactions":%b%b'
        % (
            at,
            mono,
            exchange,
            status,
            headers,
            b"null" if body is None else body,
            b"false" if body is None else b"true",
            line(marks) if marks else b"[]",
            b',"history":%b' % line(history) if history else b"",
        )
    )


def stream_chunk(exchange: bytes, text: str, mono: int) -> bytes:
    """Return a ``stream.chunk`` with some text of a body; ``mono`` in nanoseconds."""
    return b'"at":%d,"mono":%d,"type":"stream.chunk","exchange_id":"%b","data":%b' % (
        time_ns() // 1000,
        mono // 1000,
        exchange,
        dumps(text),
    )
