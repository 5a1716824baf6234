"""Golden documents, reviewed as text. ``python -m tests.golden.documents`` writes them anew.

The project's own cassettes stand here in full. Of the recordings of real traffic, which are not part of the
project, only what ``redact="content"`` leaves: structure, labels, numbers, and a digest in place of each text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tfclient.importing.as_entries import entries_of
from tfclient.importing.cassette import read_cassette
from tfclient.projection.projector import Projector
from tfclient.redaction import Redactor
from tfstore.document.converter import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parent
CASSETTES = GOLDEN.parents[1] / "cassettes"
RECORDINGS = GOLDEN.parents[2] / "shared" / "recordings"

TELLING = {
    "refusal": "bd417a",
    "choices": "d4d654",
    "mcp_approval": "c741c7",
    "mcp_and_functions": "374a1e",
    "compacted": "765355",
    "tool_search": "cb8304",
    "streamed_error": "1181ba",
    "incomplete_stream": "ec1ca2",
    "background_stream": "59c18e",
    "background_cancelled": "bfd2b9",
    "image_generated": "898e53",
    "file_search": "6ba211",
    "parallel_tools": "2721d0",
    "conversation_items": "dfcfb1",
}
"""Recordings that show one thing each, by the digest at the end of their names."""

_LEFT_OUT = frozenset({
    "session_id", "started_at", "ended_at", "duration_ms", "latency", "integrity", "artifacts", "runtime",
    "sha256", "headers", "redactions", "title", "created_at", "completed_at", "created",
})  # fmt: skip
"""What differs from one writing to the next, what is only a digest of the rest, and what is on every page."""

_ID = re.compile(r"^[a-z]{2,12}[_-][A-Za-z0-9_-]{8,}$")
_IDS = frozenset({
    "id", "call_id", "item_id", "response_id", "request_id", "previous_response_id", "parent_response_id",
    "system_fingerprint", "conversation_id", "approval_request_id", "file_id",
})  # fmt: skip
_WITHIN = re.compile(r"\b[a-z]{2,8}[_-][A-Za-z0-9]{16,}\b")
_HASHED = re.compile(r"<sha256:([0-9a-f]{8})[0-9a-f]*")


class Plain:
    """A document without what is left out, its provider's ids numbered in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def of(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self.of(part, name) for name, part in value.items() if name not in _LEFT_OUT}
        if isinstance(value, list):
            return [self.of(part, key) for part in value]
        if isinstance(value, str):
            if value in self._numbers or (key in _IDS and _ID.match(value) and not value.startswith("step_")):
                return self._number(value)
            return _WITHIN.sub(lambda found: self._number(found[0]), _HASHED.sub(r"<\1", value))
        return value

    def _number(self, provider_id: str) -> str:
        return self._numbers.setdefault(provider_id, f"id {len(self._numbers) + 1}")


def text_of(path: Path, mode: str | None) -> str:
    """Return a cassette's document as text, without times and with its ids numbered."""
    redactor = Redactor.from_setting(mode)
    projector = Projector(path.stem)
    for entry in entries_of(read_cassette(path), redactor, title=None, metadata={}):
        projector.feed(entry)
    return as_text(Plain().of(to_json(projector.session())))


def as_text(document: Any) -> str:
    """Return a document, or what was made of one, as text without what is empty."""
    return yaml.safe_dump(
        without_empty(document), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


def without_empty(value: Any) -> Any:
    """Return a value without its members that say nothing."""
    if isinstance(value, dict):
        parts = {key: without_empty(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part not in (None, [], {}, "")}
    return [without_empty(part) for part in value] if isinstance(value, list) else value


def own() -> Iterator[tuple[Path, Path]]:
    """Yield the golden file and the cassette, for each of the project's own."""
    for path in sorted(CASSETTES.glob("*.yaml")):
        yield GOLDEN / "cassettes" / path.name, path


def recorded() -> Iterator[tuple[Path, str]]:
    """Yield the golden file and the digest, for each telling recording."""
    for name, digest in TELLING.items():
        yield GOLDEN / "recordings" / f"{name}.yaml", digest


def recording(digest: str) -> Path | None:
    """Return the recording with this digest in its name, if it is here."""
    return next(RECORDINGS.rglob(f"*--{digest}.yaml"), None)


def _write() -> None:
    for golden, path in own():
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text_of(path, "secrets"), encoding="utf-8")
    for golden, digest in recorded():
        found = recording(digest)
        if found is not None:
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text_of(found, "content"), encoding="utf-8")


if __name__ == "__main__":
    _write()
