"""Exporting a conversation that is sent again with each turn: time and memory go with what is sent."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.otlp.making import STORE_ID, Conversation
from tfclient.otlp import sending
from tfclient.otlp.encoding import Resource, request_of
from tfclient.otlp.messages import Content
from tfclient.otlp.options import Options
from tfclient.otlp.tree import spans_of
from tfstore.document.documents import Session

_WORDS = "and so it goes on, " * 25


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure 1,000 turns (with ``--long`` 4,000) against a quarter of them, from the document to bytes of requests."""
    many = 4_000 if long else 1_000
    contents: tuple[Content, ...] = ("new", "full")
    for content in contents:
        few_seconds, few_bytes = _requests(Conversation(many // 4, _WORDS).session(), content)
        session = Conversation(many, _WORDS).session()
        seconds, size = _requests(session, content)
        yield Figure(f"{many:,} turns, --content {content}", seconds, "s")
        yield Figure("  its requests", size / 1e6, "MB")
        share = (seconds / size) / (few_seconds / few_bytes)
        yield Figure("  seconds for a byte / those of a quarter of the turns", share, "×", 2)
        if content == "new":
            tracemalloc.start()
            _requests(session, content)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            yield Figure("  memory besides the document", peak / 1e6, "MB", 200)


def _requests(session: Session, content: Content) -> tuple[float, int]:
    resource = Resource("bench", STORE_ID, "0")
    began = time.process_time()
    size = 0
    for parts in sending._requests(spans_of(session, STORE_ID, Options(content))):
        size += len(request_of((part.proto for part in parts), resource))
    return time.process_time() - began, size
