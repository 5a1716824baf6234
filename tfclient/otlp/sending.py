"""Sending spans, and reading what the receiver says of it: nothing counts as sent that it did not take.

Bodies are cut by bytes. What does not fit is halved; a single span that does not goes with less of its content. What is
refused is told with the receiver's words; where it takes nothing now, sending stops, and the rest goes another time.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from email.utils import parsedate_to_datetime
from math import isfinite
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from tfclient.errors import BadEndpoint, EndpointDown, PackageMissing
from tfclient.otlp.encoding import Resource, needs_protobuf, proto_of, request_of
from tfclient.otlp.span import Span

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

    from tfclient.otlp.endpoint import Endpoint
    from tfclient.otlp.messages import Content

MOST_BYTES: Final = 2_000_000
"""Of a request, before it is compressed; a span that is larger goes alone."""

PAUSES: Final = (0.5, 1.0, 2.0)
PATIENCE: Final = 10.0
"""Seconds in all for one request that is to be tried again."""

TIMEOUT: Final = 30.0
"""Seconds to wait for an answer: some load themselves at the first request."""

_AGAIN: Final = frozenset({429, 502, 503, 504})
_OF_THE_ADDRESS: Final = frozenset({401, 403, 404, 405, 407})
"""What it says to whoever sends, not of what was sent."""

_MOST_READ: Final = 65_536
_WORDS: Final = 300

Remake = Callable[[bytes, "Content"], "Span | None"]
"""Returns a span by its id, with less content."""


@frozen
class _Part:
    """A span on its way."""

    span_id: bytes
    name: str
    proto: ProtoSpan
    size: int
    content: Content | None = None


@frozen
class _Answer:
    """What came back: a status and the beginning of the body; or why nothing did."""

    status: int = 0
    body: bytes = b""
    kind: str = ""
    retry_after: str | None = None
    trouble: str | None = None


@define
class Report:
    """What became of a session's spans: how many were taken, why others were not, what went with less content."""

    spans: int = 0
    refused: list[str] = field(factory=list[str])
    told: list[str] = field(factory=list[str])


class Sender:
    """Sends to one endpoint, one request at a time.

    Args:
        endpoint: where to.
        resource: who sends.
        pause: waits so many seconds.
        timeout: seconds to wait for an answer.

    Raises:
        PackageMissing: what protobuf takes is not installed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        resource: Resource,
        *,
        pause: Callable[[float], object] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        needs_protobuf()
        self.endpoint = endpoint
        self._resource = resource
        self._pause = pause or threading.Event().wait
        self._http = _http()
        # A certificate is checked as the library does it: nothing here switches that off.
        self._client = self._http.Client(timeout=timeout, follow_redirects=False)
        self._deadline = timeout * 2

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def send(self, spans: Iterable[Span], remake: Remake | None = None) -> Report:
        """Send the spans of one session, those of a trace together where they fit into a request.

        Raises:
            EndpointDown: nothing is taken there now.
            BadEndpoint: nothing ever will be: its certificate is not to be trusted.
        """
        report = Report()
        for parts in _requests(spans):
            self._send(parts, report, remake)
        return report

    def _send(self, parts: list[_Part], report: Report, remake: Remake | None) -> None:
        waiting = [parts]
        while waiting:
            some = waiting.pop()
            answer = self._post(request_of((each.proto for each in some), self._resource))
            if answer.status != 413:
                self._read(answer, some, report)
            elif len(some) > 1:
                half = len(some) // 2
                waiting += [some[half:], some[:half]]
            elif (less := _with_less(some[0], remake)) is not None:
                waiting.append([less])
            else:
                report.refused.append(
                    f"the span {some[0].name!r} is too large for it, even without its texts (413)"
                )
                continue
            if answer.status != 413 and some[0].content is not None:
                what = "only what was new in it" if some[0].content == "new" else "no texts"
                report.told.append(f"The span {some[0].name!r} was too large, and was sent with {what}.")

    def _read(self, answer: _Answer, parts: list[_Part], report: Report) -> None:
        """Take what was answered: how many spans were taken, and why others were not."""
        if 200 <= answer.status < 300:
            rejected, words = _partial(answer)
            if words is None:
                raise EndpointDown(
                    f"{self.endpoint.shown} answered {answer.status} with something that is no answer to OTLP "
                    f"({answer.kind or 'no type'}): is that the address of a receiver? Nothing counts as sent."
                )
            words = self._clean(words)
            report.spans += max(len(parts) - rejected, 0)
            if rejected > 0:
                report.refused.append(
                    f"{rejected} of {len(parts)} spans were rejected: {words or 'it did not say why'}"
                )
            elif words:
                report.told.append(f"{self.endpoint.shown} took them, and said: {words}")
            return
        words = self._clean(_words(answer))
        said = f"{answer.status}{f': {words}' if words else ''}"
        if answer.status in _OF_THE_ADDRESS or 300 <= answer.status < 400:
            raise EndpointDown(
                f"{self.endpoint.shown} answered {said}. Look at the address and the headers; nothing counts as sent."
            )
        report.refused.append(said)

    def _post(self, body: bytes) -> _Answer:
        """Return the answer to a request, tried again for a while where that may help."""
        began, tries = monotonic(), 0
        data = gzip.compress(body, 5)
        while True:
            answer = self._once(data)
            if answer.trouble is None and answer.status not in _AGAIN:
                return answer
            pause = _seconds(answer.retry_after)
            pause = PAUSES[min(tries, len(PAUSES) - 1)] if pause is None else pause
            if monotonic() - began + pause > PATIENCE or tries > 2 * PATIENCE:
                raise EndpointDown(self._trouble(answer))
            self._pause(pause)
            tries += 1

    def _trouble(self, answer: _Answer) -> str:
        if answer.trouble is not None:
            return f"{self.endpoint.shown} cannot be reached: {answer.trouble}."
        words = self._clean(_words(answer))
        asked = f", and asks to wait {answer.retry_after} s" if answer.retry_after else ""
        said = f"{answer.status}{f': {words}' if words else ''}{asked}"
        return f"{self.endpoint.shown} takes nothing now ({said})."

    def _once(self, data: bytes) -> _Answer:
        headers = {
            **self.endpoint.headers,
            "content-type": "application/x-protobuf",
            "content-encoding": "gzip",
        }
        headers.setdefault("user-agent", f"tfclient/{self._resource.version}")
        until = monotonic() + self._deadline
        with _unlogged():
            try:
                with self._client.stream(
                    "POST", self.endpoint.url, content=data, headers=headers
                ) as response:
                    body = b""
                    for piece in response.iter_bytes():
                        body += piece
                        if len(body) > _MOST_READ or monotonic() > until:
                            break
                    return _Answer(
                        response.status_code,
                        body[:_MOST_READ],
                        response.headers.get("content-type", ""),
                        response.headers.get("retry-after"),
                    )
            except self._http.HTTPError as error:
                words = self._clean(str(error))
                kind = type(error).__name__
            except (ValueError, OSError, RuntimeError, self._http.InvalidURL) as error:
                # What it says may hold what it was given.
                words, kind = "", type(error).__name__
        if "CERTIFICATE" in words.upper():
            raise BadEndpoint(
                f"The certificate of {self.endpoint.shown} cannot be trusted ({words}): name its authority in "
                "SSL_CERT_FILE, or give an address that has one."
            )
        return _Answer(trouble=f"{kind}{f' ({words})' if words else ''}")

    def _clean(self, text: str) -> str:
        words = " ".join(self.endpoint.without_secrets(text).split())
        return words if len(words) <= _WORDS else f"{words[:_WORDS]}…"


def _with_less(part: _Part, remake: Remake | None) -> _Part | None:
    less: Content | None = {None: "new", "new": "none"}.get(part.content)  # type: ignore[assignment]
    span = None if remake is None or less is None else remake(part.span_id, less)
    return None if span is None or less is None else _part(span, less)


def _part(span: Span, content: Content | None = None) -> _Part:
    proto = proto_of(span)
    # Its own length, and what stands around it.
    return _Part(span.span_id, span.name, proto, proto.ByteSize() + 8, content)


def _requests(spans: Iterable[Span]) -> Iterator[list[_Part]]:
    """Yield what goes into one request each: whole traces, as far as they fit."""
    ready: list[_Part] = []
    trace: list[_Part] = []
    sizes = [0, 0]
    current: bytes | None = None
    for span in spans:
        if span.trace_id != current:
            ready, sizes[0] = [*ready, *trace], sizes[0] + sizes[1]
            trace, sizes[1], current = [], 0, span.trace_id
        part = _part(span)
        if ready and sizes[0] + sizes[1] + part.size > MOST_BYTES:
            yield ready
            ready, sizes[0] = [], 0
        if trace and sizes[1] + part.size > MOST_BYTES:
            # More than fits: it has requests of its own.
            yield trace
            trace, sizes[1] = [], 0
        trace.append(part)
        sizes[1] += part.size
    if ready or trace:
        yield [*ready, *trace]


def _partial(answer: _Answer) -> tuple[int, str | None]:
    """Return how many spans were rejected, and the words to it; None for words where it is no answer to OTLP."""
    if not answer.body:
        return 0, ""
    if "html" in answer.kind:
        return 0, None
    if "json" in answer.kind:
        return _partial_of_json(answer.body)
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        told = ExportTraceServiceResponse.FromString(answer.body)
    except DecodeError:
        return 0, None
    if not told.HasField("partial_success") and answer.body.lstrip()[:1] in {b"<", b"{"}:
        return 0, None
    return int(told.partial_success.rejected_spans), str(told.partial_success.error_message)


def _partial_of_json(body: bytes) -> tuple[int, str | None]:
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return 0, None
    if not isinstance(told, dict):
        return 0, "" if told is None else None
    partial = told.get("partialSuccess", told.get("partial_success")) or {}
    partial = partial if isinstance(partial, dict) else {}
    number: Any = partial.get("rejectedSpans", partial.get("rejected_spans", 0))
    words = partial.get("errorMessage", partial.get("error_message", ""))
    # More digits than that are no number of spans.
    return int(str(number)[:18]) if str(number).isdecimal() else 0, str(words)


def _words(answer: _Answer) -> str:
    """Return what a receiver says of an error: protobuf's status, JSON's message, or text."""
    if "html" in answer.kind or not answer.body:
        return ""
    if "json" in answer.kind:
        with contextlib.suppress(ValueError, RecursionError):
            told: Any = json.loads(answer.body)
            for key in ("message", "detail", "error"):
                if isinstance(told, dict) and isinstance(told.get(key), str):
                    return str(told[key])
    text = answer.body.decode("utf-8", "replace")
    if "protobuf" in answer.kind:
        # A google.rpc.Status: a number, then a text.
        text = "".join(each for each in text if each.isprintable()).strip()
    return text


def _seconds(retry_after: str | None) -> float | None:
    """Return how long ``retry-after`` asks to wait: seconds, or until a date."""
    if retry_after is None:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(retry_after)
        # As a number it may be none, and as long as one likes.
        return max(seconds, 0.0) if isfinite(seconds) else None
    with contextlib.suppress(ValueError, TypeError):
        return max(parsedate_to_datetime(retry_after).timestamp() - time(), 0.0)
    return None


def _http() -> Any:
    """Return the HTTP library that openai brought."""
    for name in ("httpx2", "httpx"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    raise PackageMissing("sending to an OTLP endpoint", "otel")


class _Quiet(threading.local):
    now = False


_quiet = _Quiet()


class _NotOurs(logging.Filter):
    """Lets pass what other threads log: the library logs whole addresses, and a query may be a key."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _quiet.now


_FILTER: Final = _NotOurs()


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    for name in ("httpx2", "httpx"):
        # Added once, however often.
        logging.getLogger(name).addFilter(_FILTER)
    _quiet.now = True
    try:
        yield
    finally:
        _quiet.now = False
