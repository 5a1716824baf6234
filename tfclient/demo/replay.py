"""A transport that answers from a cassette instead of the network."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import openai

from tfclient.importing.cassette import Interaction, read_cassette

if TYPE_CHECKING:
    from httpx2 import Client

_HERE: Final = Path(__file__)
# In a wheel the cassette lies beside this file; in the repository, with the other cassettes.
_PLACES: Final = (_HERE.with_name("cassette.yaml"), _HERE.parents[2] / "cassettes" / "demo.yaml")


def demo_cassette() -> Path:
    """Give the path of the demo's cassette.

    Raises:
        FileNotFoundError: The installation lacks it.
    """
    for place in _PLACES:
        if place.is_file():
            return place
    raise FileNotFoundError(f"The demo's cassette is missing: {_PLACES[0]}. Install tfclient again.")


def demo_http_client(pace: float = 0.5) -> Client:
    """Make the HTTP client that plays the demo: no network, no key.

    Requests must come as they were recorded, in that order, with the same method, path and body. Any other
    gets a 400 that says what was expected.

    Args:
        pace: How much of the recorded server's time an answer takes; 0 for none.

    Returns:
        A client of the HTTP library that openai runs on: httpx2, or httpx for openai 2.
    """
    return replaying(read_cassette(demo_cassette()), pace)


def replaying(interactions: list[Interaction], pace: float = 0.0) -> Client:
    """Make an HTTP client that answers with recorded interactions, one after the other."""
    http = _http_library()
    lock = threading.Lock()
    played = 0

    def answer(request: Any) -> Any:
        nonlocal played
        with lock:
            expected = interactions[played] if played < len(interactions) else None
            wrong = _difference(expected, request.method, request.url.raw_path.decode(), request.content)
            if expected is None or wrong:
                return http.Response(400, json={"error": {"message": f"Request {played + 1}: {wrong}"}})
            played += 1
        time.sleep(pace * float(expected.headers.get("openai-processing-ms", 0)) / 1000)
        return http.Response(expected.status, headers=expected.headers, content=_arriving(expected, pace))

    client: Client = http.Client(transport=http.MockTransport(answer))
    return client


def _arriving(interaction: Interaction, pace: float) -> Iterator[bytes]:
    """Give a body as it comes: a stream event by event."""
    if not interaction.headers.get("content-type", "").startswith("text/event-stream"):
        yield interaction.body
        return
    *events, rest = interaction.body.split(b"\n\n")
    for event in events:
        time.sleep(0.004 * pace)
        yield event + b"\n\n"
    if rest:
        yield rest


def _difference(expected: Interaction | None, method: str, path: str, body: bytes) -> str | None:
    if expected is None:
        return "the cassette is at its end and has no answer to it."
    recorded = urlsplit(expected.url)
    wanted = recorded.path + (f"?{recorded.query}" if recorded.query else "")
    if (method, path) != (expected.method, wanted):
        return f"the cassette has {expected.method} {wanted} here, not {method} {path}."
    if _meaning(body) != _meaning(expected.request_body):
        return f"its body differs from the recorded one: {body.decode('utf-8', 'replace')}"
    return None


def _meaning(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _http_library() -> Any:
    """Give the HTTP library under the installed openai."""
    for base in openai.DefaultHttpxClient.__mro__:
        if base.__module__.partition(".")[0] in ("httpx2", "httpx"):
            return sys.modules[base.__module__.partition(".")[0]]
    raise ImportError(f"openai {openai.__version__} runs on neither httpx2 nor httpx: upgrade tfclient.")
