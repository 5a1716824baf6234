"""The recordings of real traffic, projected once for all tests."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tfclient.importing.as_entries import entries_of
from tfclient.importing.cassette import Interaction, find_cassettes, read_cassette
from tfclient.projection.projector import Projector
from tfclient.projection.wire.endpoints import endpoint_of
from tfstore.document.documents import Session, Step

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"

needs_recordings = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings at {FOLDER}")


class KeepAll:
    """A redactor that changes nothing."""

    mode = "none"

    def url(self, url: str) -> tuple[str, list[Any]]:
        return url, []

    def headers(self, headers: Any) -> tuple[dict[str, str], list[Any]]:
        return dict(headers), []

    def body(self, data: bytes, _media: Any, _where: str) -> tuple[str | None, list[Any]]:
        try:
            return data.decode(), []
        except UnicodeDecodeError:
            return None, []

    def binary(self, data: bytes, _where: str) -> tuple[dict[str, str], list[Any]]:
        return {"base64": base64.b64encode(data).decode()}, []


@frozen(eq=False)
class Recording:
    """A recording, its entries, and the document made of it."""

    name: str
    interactions: list[Interaction]
    entries: list[dict[str, Any]]
    session: Session
    blobs: dict[str, bytes]
    unknown_entries: int

    @property
    def calls(self) -> list[Interaction]:
        """The model calls: creations of responses and completions."""
        return [i for i in self.interactions if i.is_openai and endpoint_of(i.method, i.path).is_model_call]

    @property
    def call_steps(self) -> list[Step]:
        """Their steps, in the order in which they were made."""
        found = [step for run in self.session.runs for step in run.steps if step.label == "assistant_call"]
        return sorted(found, key=lambda step: step.seq)


def project_recording(name: str, interactions: list[Interaction]) -> Recording:
    redactor: Any = KeepAll()
    entries = list(entries_of(interactions, redactor, title=None, metadata={}))
    projector = Projector(name)
    for entry in entries:
        projector.feed(entry)
    session = projector.session()
    blobs = {f"sha256:{blob.sha256}": blob.data for blob in projector.take_blobs()}
    return Recording(name, interactions, entries, session, blobs, projector.unknown_entries)


@cache
def recordings() -> tuple[Recording, ...]:
    """All recordings, projected."""
    if not FOLDER.is_dir():
        return ()
    paths = find_cassettes(FOLDER)
    return tuple(project_recording(str(path.relative_to(FOLDER)), read_cassette(path)) for path in paths)


def json_body(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
