"""Whether a session's document says what its journal tells: the digests in it, and all the rest of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from tfclient.projection.projector import Projector
from tfstore.document.converter import step_to_json
from tfstore.errors import StoreError
from tfstore.journal.reading import iter_entries, live_writers, writers
from tfstore.keeping.verifying import Flaw, Verdict, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.document.documents import Session, Step
    from tfstore.store import Store

_RELATIONS: Final = frozenset({"origin", "depends_on"})
"""What may depend on which other sessions were in the store when the document was made."""


def verified(store: Store, session_id: str) -> Verdict:
    """Verify a session's chain and digests, and compare its document with its journal step by step.

    Raises:
        UnknownSession: there is neither a journal nor a document.
    """
    verdict = verify(store, session_id)
    if not verdict.sound or live_writers(store.paths, session_id):
        return verdict
    try:
        session = store.get(session_id)
        compared = list(_differences(store, session)) if writers(store.paths, session_id) else []
    except StoreError:
        return verdict
    return evolve(verdict, flaws=[*verdict.flaws, *compared])


def _differences(store: Store, session: Session) -> Iterator[Flaw]:
    path = store.paths.document(session.session_id)
    said = {step.step_id: step for run in session.runs for step in run.steps}
    told = {step.step_id: step for run in _told(store, session).runs for step in run.steps}
    for step_id in dict.fromkeys([*said, *told]):
        if step_id not in said:
            yield Flaw("document", f"{step_id} is in the journal of {session.session_id} and not in {path}.")
        elif step_id not in told:
            yield Flaw("document", f"{step_id} is in {path} and not in its journal.")
        elif fields := _unlike(said[step_id], told[step_id]):
            detail = f"{step_id} in {path} says something else than its journal: {', '.join(fields)}."
            yield Flaw("document", f"{detail} `tfclient rebuild {session.session_id}` makes it anew.")


def _told(store: Store, session: Session) -> Session:
    projector = Projector(session.session_id)
    ending: dict[str, Any] | None = None
    for entry in iter_entries(store.paths, session.session_id):
        if entry["type"] == "session.ended":
            ending = entry
            continue
        projector.feed(entry)
        projector.take_blobs()
    if ending is not None:
        projector.feed(ending)
    return projector.session()


def _unlike(said: Step, told: Step) -> list[str]:
    one, other = step_to_json(said), step_to_json(told)
    return sorted(
        key for key in one.keys() | other.keys() if key not in _RELATIONS and one.get(key) != other.get(key)
    )
