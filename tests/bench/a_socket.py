"""A socket: an audio message at most 10 % more CPU than without, a piece of text at most 30 %."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from openai.resources.realtime.realtime import RealtimeConnection
from openai.resources.responses.responses import ResponsesConnection

from tests.bench.figures import Figure
from tests.bench.timing import by_turns
from tests.bench.traffic import nothing_finished, recorder
from tests.capture.driver import MODEL
from tfclient import Recorder
from tfclient.capture.sockets.connections import SYNC, watching
from tfclient.capture.sockets.place import Place
from tfclient.capture.sockets.socket import Socket

MESSAGES = 100

_SPOKEN = "response.output_audio_transcript.delta"
_WRITTEN = "response.output_text.delta"

_AUDIO = base64.b64encode(b"\x01\x02" * 480 * 2).decode()
"""Twenty milliseconds of each side at 24 kHz."""


class Wire:
    """What the library's connection is to the SDK, without a network."""

    def __init__(self, messages: list[str]) -> None:
        self.protocol = SimpleNamespace(state=SimpleNamespace(name="OPEN"))
        self.messages = [each.encode() for each in messages]
        self.at = 0

    def handshake(self) -> None:
        """Nothing is shaken."""

    def recv(self, timeout: float | None = None, decode: bool | None = None) -> bytes:  # noqa: ARG002, FBT001
        self.at = (self.at + 1) % len(self.messages)
        return self.messages[self.at]

    def recv_streaming(self) -> Iterator[bytes]:
        yield self.recv()

    def send(self, message: Any) -> None:
        """It is gone."""

    def close(self) -> None:
        """It is closed."""


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure what comes and what leaves, against a connection that costs nothing by itself."""
    times = 300 if long else 60
    ids = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    words = [f" word{n}" for n in range(MESSAGES)]
    deltas = [
        {"type": _SPOKEN, "event_id": f"event_E4ySyomQDvHhLDYNp{n:04}", **ids, "delta": word}
        for n, word in enumerate(words)
    ]
    audio = [
        {
            "type": "response.output_audio.delta",
            "event_id": f"event_E4ySyomQDvHhLDYNp{n:04}",
            **ids,
            "delta": _AUDIO,
        }
        for n in range(MESSAGES)
    ]
    pieces = [
        {**delta, "type": _WRITTEN, "sequence_number": n, "logprobs": [], "obfuscation": "x" * (n % 9 + 1)}
        for n, delta in enumerate(deltas)
    ]
    with nothing_finished(), recorder() as made:
        for what, events, most in (
            ("audio that comes", audio, 0.10),
            ("text that comes", deltas, 0.30),
            ("a response's text", pieces, 0.30),
        ):
            plain, traced = _both(made, [json.dumps(event) for event in events], responds=events is pieces)
            pair = by_turns(lambda: _read(plain), lambda: _read(traced), times, warm=5)  # noqa: B023 - at once
            yield Figure(f"socket, {what}: share of the plain client's CPU", pair.share, "%", most)
            yield Figure(f"socket, {what}: added CPU a message", pair.added / MESSAGES, "µs", None)
        mixed = [deltas[n] if n % 5 == 0 else audio[n] for n in range(MESSAGES)]
        plain, traced = _both(made, [json.dumps(event) for event in mixed])
        pair = by_turns(lambda: _read(plain), lambda: _read(traced), times, warm=5)
        yield Figure(
            "socket, four of audio to one of text: share of the plain client's CPU", pair.share, "%", None
        )
        plain, traced = _both(made, ["{}"])
        pair = by_turns(lambda: _speak(plain), lambda: _speak(traced), times, warm=5)
        yield Figure("socket, audio that leaves: share of the plain client's CPU", pair.share, "%", 0.10)
        yield Figure("socket, audio that leaves: added CPU a message", pair.added / MESSAGES, "µs", None)


def _both(made: Recorder, messages: list[str], *, responds: bool = False) -> tuple[Any, Any]:
    state = made.sessions.for_call()
    watched = watching(Wire, SYNC)(messages)
    watched._tf_socket = Socket(
        Place(made.sessions, state, "socket_1", 1, "responses" if responds else "realtime")
    )
    plain: Any = Wire(messages)
    connection: Any = ResponsesConnection if responds else RealtimeConnection
    if responds:
        watched.send(json.dumps({"type": "response.create", "model": MODEL, "input": "Count."}))
    return connection(plain), connection(watched)


def _read(connection: Any) -> None:
    for _ in range(MESSAGES):
        connection.recv()


def _speak(connection: Any) -> None:
    for _ in range(MESSAGES):
        connection.send({"type": "input_audio_buffer.append", "audio": _AUDIO})
