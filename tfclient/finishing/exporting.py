"""Sessions are sent to an endpoint as they close, in stores for which a recorder asks for it.

That is done by a thread of its own, after a session's files are written, one request at a time: no call, no end of a
session, no exit and no fork waits for it. What is not out when the process ends is sent by the next one that recovers
sessions there, or by ``tfclient export --pending``. Whatever goes wrong is counted in the recorder's health.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections import deque
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Final

from tfstore.disk.fork import importing, lock, renew_after_fork, start_thread
from tfstore.disk.turns import take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.otlp.endpoint import Endpoint
    from tfclient.otlp.exporting import Exporter
    from tfstore.disk.paths import StorePaths

    OnFault = Callable[[str, BaseException | str, str], None]
    """Counts what went wrong: of which kind, what it was, and while doing what."""

RESTS: Final = (60.0, 300.0)
"""Seconds without a try, after three that failed in a row; from then on after each."""

TRIES: Final = 3

MOST: Final = 10_000
"""Sessions that wait in memory; more of them wait in the store."""

NEEDED: Final = (
    *("tfclient.otlp.conventions", "tfclient.otlp.endpoint", "tfclient.otlp.parts", "tfstore.reading.facts"),
    *(
        "tfstore.reading.calls.contexts",
        "tfclient.otlp.messages",
        "tfclient.otlp.tree",
        "google.protobuf.descriptor_pb2",
    ),
    *("opentelemetry.proto.common.v1.common_pb2", "opentelemetry.proto.trace.v1.trace_pb2"),
    *(
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
        "tfclient.otlp.sending",
        "tfclient.otlp.exporting",
    ),
)
"""What the thread needs, so ordered that each brings little along."""

_WANTED: Final[dict[Path, LiveExport]] = {}
_WANTED_LOCK: Final = lock()


class LiveExport:
    """Sends the sessions of one store to one endpoint, for one process."""

    def __init__(self, paths: StorePaths, address: str, on_fault: OnFault) -> None:
        """Prefer ``export_from_now_on``; no thread is started before there is something to send."""
        self._paths = paths
        self._address = address
        self._on_fault = on_fault
        self._lock = lock()
        self._forked()
        renew_after_fork(self)

    def _forked(self) -> None:
        # A child has no thread yet, and what its parent has to send is not its own.
        self._thread: threading.Thread | None = None
        self._news: SimpleQueue[str | None] = SimpleQueue()
        self._failures = 0
        self._off = False

    def session_written(self, session_id: str) -> None:
        """Have a session sent whose files are written; takes no time."""
        self._put(session_id)

    def look_for_others(self) -> None:
        """Have those sent that earlier processes left; takes no time."""
        self._put(None)

    def _put(self, what: str | None) -> None:
        if self._off:
            return
        self._news.put(what)
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = start_thread(self._run, "tfclient-export")

    def _run(self) -> None:
        from tfclient.finishing.slices import Turns

        pause = threading.Event()
        turns = Turns(pause.wait, lambda: False)
        take_turns(turns)
        for name in NEEDED:
            # What is missing is told where it is used.
            with importing, contextlib.suppress(ImportError):
                importlib.import_module(name)
            turns()
        exporter: Exporter | None = None
        try:
            exporter = self._exporter()
            self._send_all(exporter, turns)
        except Exception as error:  # noqa: BLE001 - sessions are recorded all the same
            # It cannot be mended while this runs: a package, an address, a ledger.
            self._off = True
            self._fault(error)
        finally:
            if exporter is not None:
                with contextlib.suppress(Exception):
                    exporter.close()

    def _exporter(self) -> Exporter:
        from tfclient.otlp.endpoint import endpoint_of
        from tfclient.otlp.exporting import Exporter
        from tfclient.otlp.tree import Options
        from tfstore.store import Store

        endpoint: Endpoint = endpoint_of(self._address)
        store = Store(self._paths.root, create=True)
        exporter = Exporter.to(store, endpoint, Options(), os.environ.get("OTEL_SERVICE_NAME", "").strip())
        # From now on: what was recorded before is sent when somebody asks for it.
        exporter.ledger.begin()
        return exporter

    def _send_all(self, exporter: Exporter, turns: Callable[[], None]) -> None:
        from tfclient.errors import EndpointDown

        left: deque[str] = deque()
        rest_until = 0.0
        while True:
            self._listen(exporter, left, rest_until)
            if not left or monotonic() < rest_until:
                continue
            session_id = left.popleft()
            try:
                for outcome in exporter.send([session_id]):
                    self._failures = 0
                    if outcome.state == "refused":
                        self._fault(f"session {session_id} was refused: {outcome.why}")
            except EndpointDown as error:
                left.appendleft(session_id)
                self._failures += 1
                self._fault(error)
                if self._failures >= TRIES:
                    rest_until = monotonic() + RESTS[min(self._failures - TRIES, len(RESTS) - 1)]
            turns()

    def _listen(self, exporter: Exporter, left: deque[str], rest_until: float) -> None:
        """Take what is to be sent; where nothing is, or nothing can be, wait for it."""
        rest = rest_until - monotonic()
        wait = (rest if rest > 0 else 0.0) if left else None
        with contextlib.suppress(Empty):
            what = self._news.get(timeout=wait) if wait != 0 else self._news.get_nowait()
            while True:
                found = [what] if what is not None else self._earlier(exporter)
                left.extend(each for each in found if each not in left)
                while len(left) > MOST:
                    left.pop()
                what = self._news.get_nowait()

    def _earlier(self, exporter: Exporter) -> list[str]:
        """Return the sessions that ended since this began to be exported, and were not confirmed."""
        from tfstore.keeping.waiting import waiting_since_begun

        return waiting_since_begun(exporter.store, exporter.ledger).session_ids

    def _fault(self, error: BaseException | str) -> None:
        self._on_fault("export", error, "sending sessions to the endpoint they are exported to")


def export_from_now_on(paths: StorePaths, address: str, on_fault: OnFault) -> None:
    """Have the sessions of a store sent there as they close, by this process."""
    with _WANTED_LOCK:
        known = _WANTED.get(paths.root)
        if known is None or known._address != address:  # noqa: SLF001 - of this module
            _WANTED[paths.root] = LiveExport(paths, address, on_fault)


def exported(paths: StorePaths) -> LiveExport | None:
    """Return what sends the sessions of a store, if somebody asked for it."""
    return _WANTED.get(paths.root)
