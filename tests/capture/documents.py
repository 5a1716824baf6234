"""The document of what a recorder has written, as the tests ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.capture import journals
from tfclient.projection.projector import Projector

if TYPE_CHECKING:
    from tfclient import Recorder
    from tfstore.document.documents import Session, Step


def session(recorder: Recorder, session_id: str | None = None) -> Session:
    """Return a session, projected from its journal; there must be one session if none is named."""
    entries = journals.entries(recorder, session=session_id)
    projector = Projector(entries[0]["session_id"])
    for entry in entries:
        projector.feed(entry)
    return projector.session()


def steps(recorder: Recorder, label: str) -> list[Step]:
    """Return the steps with one label."""
    return [step for run in session(recorder).runs for step in run.steps if step.label == label]
