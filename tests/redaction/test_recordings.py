"""Real traffic: what is no secret is not touched, and what comes in pieces is the same as what comes whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tfclient.redaction import Redactor

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings lie beside the repository, not in it"
)

SECRETS = Redactor.from_setting("secrets")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def bodies() -> Iterator[tuple[str, str, str, bytes]]:
    """Give ``(file, where, content type, body)`` of every exchange."""
    for path in sorted(RECORDINGS.glob("*/*.yaml")):
        for interaction in yaml.load(path.read_bytes(), _LOADER)["interactions"]:  # noqa: S506 - a safe loader
            for side in ("request", "response"):
                message = interaction[side]
                body = message.get("body")
                body = body.get("string") if isinstance(body, dict) else body
                types = {k.lower(): v for k, v in (message.get("headers") or {}).items()}.get(
                    "content-type", [""]
                )
                content_type = types[0] if isinstance(types, list) else types
                yield (
                    path.name,
                    f"{side}.body",
                    content_type,
                    body.encode() if isinstance(body, str) else body or b"",
                )


def test_only_what_is_a_secret_by_its_name_is_replaced() -> None:
    """A recorded tool's passwords, a connector's authorization and an MCP server's header; nothing else, in 8 MB."""
    rules: Counter[str] = Counter()
    for _, where, content_type, body in bodies():
        text, marks = SECRETS.body(body, content_type, where)
        rules.update(mark["rule"] for mark in marks)
        if text is not None and not marks:
            assert text.encode() == body
    assert rules == {"key:password": 24, "key:authorization": 2, "header:custom-header-key": 4}


@pytest.mark.timeout(300)
def test_streams_in_small_chunks_are_what_they_are_as_a_whole() -> None:
    seen = 0
    for name, where, content_type, body in bodies():
        if (
            not content_type.startswith("text/event-stream")
            or where != "response.body"
            or len(body) > 200_000
        ):
            continue
        seen += 1
        stream = SECRETS.stream(content_type)
        pieces = [stream.feed(body[n : n + 97])[0] for n in range(0, len(body), 97)] + [stream.flush()[0]]
        whole = SECRETS.body(body, content_type, where)[0]
        assert "".join(p for p in pieces if isinstance(p, str)) == whole, name
    assert seen > 200


def test_content_mode_leaves_no_sentence() -> None:
    """No string with a space in it stays, but in the names of an object's members."""
    redactor = Redactor.from_setting("content")
    for name, where, content_type, body in bodies():
        text, _ = redactor.body(body, content_type, where)
        for line in (
            (text or "").splitlines() if content_type.startswith("text/event-stream") else [text or ""]
        ):
            payload = line.removeprefix("data: ")
            if payload[:1] in ("{", "[") and payload != "[DONE]":
                for leaf in _leaves(json.loads(payload)):
                    assert " " not in leaf or leaf.startswith("<sha256:"), name


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _leaves(member)
