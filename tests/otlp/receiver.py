"""A receiver of OTLP on a real socket that answers as it is told, and keeps what it got."""

from __future__ import annotations

import gzip
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeAlias

from attrs import field, frozen
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PROTOBUF = "application/x-protobuf"


@frozen
class Answer:
    """One answer; ``hang`` waits for the receiver's end instead, ``cut`` closes in the middle of it."""

    status: int = 200
    body: bytes = b""
    kind: str = PROTOBUF
    headers: dict[str, str] = field(factory=dict[str, str])
    hang: bool = False
    cut: bool = False


Decide: TypeAlias = Callable[["Got"], Answer]

TAKEN = Answer()
HTML = Answer(body=b"<html><body>Log in</body></html>", kind="text/html; charset=utf-8")


def partial(rejected: int, words: str = "") -> Answer:
    told = ExportTracePartialSuccess(rejected_spans=rejected, error_message=words)
    return Answer(body=ExportTraceServiceResponse(partial_success=told).SerializeToString())


@frozen
class Got:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def request(self) -> ExportTraceServiceRequest:
        return ExportTraceServiceRequest.FromString(gzip.decompress(self.raw))

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for resource in self.request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Receiver:
    """Takes everything, but for the answers that are scripted: in turn, or as a function decides."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.decide: Decide | None = None
        self._answers: deque[Answer] = deque()
        self._over = threading.Event()
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> list[Any]:
        return [span for got in self.got for span in got.spans]

    def script(self, *answers: Answer) -> None:
        self._answers.extend(answers)

    def wait_for(self, requests: int, seconds: float = 60) -> None:
        """Wait until so many requests came."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.got) >= requests, seconds), len(self.got)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                got = Got(self.path, {key.lower(): value for key, value in self.headers.items()}, data)
                with receiver._came:
                    receiver.got.append(got)
                    answer = receiver._answers.popleft() if receiver._answers else TAKEN
                    receiver._came.notify_all()
                answer = receiver.decide(got) if receiver.decide is not None else answer
                if answer.hang:
                    receiver._over.wait(60)
                    return
                self.send_response(answer.status)
                self.send_header("content-type", answer.kind)
                self.send_header("content-length", str(len(answer.body) + 100 * answer.cut))
                for key, value in answer.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = answer.cut

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
