"""What the page asks for step by step: a step in full, a request to be sent again; for a file, all of them.

In a file every value stands once: ``{values: […], steps: {step_id: {…}}}``, places of values where the values would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field

from tfclient.reflect.findings.citing import SEVERITIES
from tfclient.view.found import found_in
from tfd2.steps import looks
from tfstore.document.documents import Json, Step
from tfstore.document.json_text import line
from tfstore.document.references import is_reference, truncated
from tfstore.errors import BlobUnreadable, StoreError
from tfstore.protocols import Reading
from tfstore.reading.calls.costs import Cost
from tfstore.reading.facts import SessionFacts
from tfstore.reading.prompts import has_prompt, prompt_among
from tfstore.reading.shown.details import details_of
from tfstore.reading.shown.session import is_request, shown

MOST: Final = 500_000
"""References to items that a file takes in: a conversation that is sent again with every request has many."""

NAMED: Final = 5
"""Values that are named of those that a request lacks."""

_LISTS: Final = ("fixed", "history", "new")
_NOT_HERE: Final = {
    "title": "Prompt as the model saw it",
    "unknown": ["what it held: it is not in this file, `tfclient view` has it"],
    **{name: [] for name in _LISTS},
}


class NoRequest(StoreError):
    """A step's request cannot be put together."""

    def __init__(self, session_id: str, step_id: str, reason: object) -> None:
        super().__init__(
            f"The request of {step_id} in session {session_id} cannot be put together ({reason}). "
            "Its parts, as far as they were recorded, are in the document."
        )


def reading_of(facts: SessionFacts, cost: Cost | None = None) -> Json:
    """Return what the page draws of a session: each step with its look in the diagrams, and what was found in it."""
    reading = shown(facts, cost)
    for run, told in zip(facts.runs, reading["runs"], strict=True):
        for step in told.get("steps", ()):
            step["look"] = looks(run.steps[step.get("place", 0)])[0]
        for loop in told.get("loops", ()):
            loop["look"] = "error" if loop.get("failed") else looks(facts.steps[loop["lead"]])[0]
    found = found_in(facts)
    _mark_loops(reading["runs"], found.get("steps", {}))
    return reading | {"found": found}


def _mark_loops(runs: list[Json], marks: Json) -> None:
    """Give each loop the mark of the worst that was found in it: its steps are not seen before it is opened."""
    for run in runs:
        for loop in run.get("loops", ()):
            inside = run["steps"][loop["at"] : loop["at"] + loop["steps"]]
            marked = [marks[step["id"]] for step in inside if step["id"] in marks]
            if marked:
                loop["found"] = min(marked, key=lambda mark: SEVERITIES.index(mark["severity"]))


def request_of(store: Reading, facts: SessionFacts, step_id: str) -> Json:
    """Return a request as it was sent: ``method``, ``url``, ``body``; ``missing`` says what is not all there, in lines.

    Long texts and pictures stand in their places if they are there.

    Raises:
        NoRequest: the step is no request, or names parts that the session does not have.
    """
    try:
        return _request(facts, step_id, store)
    except BlobUnreadable:
        return _request(facts, step_id, None)


def _request(facts: SessionFacts, step_id: str, store: Reading | None) -> Json:
    session_id = facts.session.session_id
    try:
        step, notes = facts.plain_steps[step_id], facts.steps[step_id].run.run.lineage.notes
        if not is_request(step):
            raise ValueError(f"{step_id} is a {step.label}")  # noqa: TRY301 - told as all that is wrong with it
        body = step.payload_started.get("arguments")
        if has_prompt(step):
            read_blob = store.blobs.get if store is not None else None
            body = prompt_among(facts.plain_steps, step, notes, read_blob).request
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise NoRequest(session_id, step_id, error) from error
    method, url = _address(step)
    return {
        "method": method,
        "url": url,
        "body": body,
        "missing": list(_missing(body, session_id, step_id)),
    }


def _address(step: Step) -> tuple[str, str]:
    given = step.payload_started
    if step.label == "assistant_call":
        chat = "chat.completions" in str(given.get("name"))
        return "POST", f"https://api.openai.com/v1/{'chat/completions' if chat else 'responses'}"
    return str(given.get("method") or "POST"), f"https://{given['host']}{given.get('path') or ''}"


def _missing(body: Any, session_id: str, step_id: str) -> Iterator[str]:
    gone = list(_not_whole(body, ""))
    if not gone:
        return
    some = "one of its values is" if len(gone) == 1 else f"{len(gone)} of its values are"
    yield f"This request cannot be sent as it is: {some} not all here."
    for path, value in gone[:NAMED]:
        kept = truncated(value)
        why = (
            f"kept apart, in the blob {value['blob']}"
            if kept is None
            else f"cut by max_payload, {value.get('bytes')} of {kept} bytes are kept"
        )
        yield f"  {path or 'the body'}: {why}"
    if len(gone) > NAMED:
        yield f"  and {len(gone) - NAMED} more"
    yield f"The journal has all of it: tfclient show {session_id} --raw {step_id}"


def _not_whole(value: Any, path: str) -> Iterator[tuple[str, Json]]:
    """Yield what stands for something longer, or for something that is kept apart, with its path."""
    if is_reference(value):
        yield path, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _not_whole(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _not_whole(each, f"{path}[{place}]")


@define
class _Values:
    """Values in their places, each once."""

    values: list[Any] = field(factory=list[Any])
    count: int = 0
    _places: dict[bytes, int] = field(factory=dict[bytes, int])

    def place(self, value: Any) -> int:
        self.count += 1
        place = self._places.setdefault(line(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place

    def places(self, value: Any) -> int | list[int]:
        return [self.place(each) for each in value] if isinstance(value, list) else self.place(value)


def all_requests(facts: SessionFacts) -> Json:
    """Return all requests; of a body's fields the places, a list of places where the field is a list of items."""
    packed = _Values()
    found: Json = {}
    for step_id in (step_id for step_id, step in facts.plain_steps.items() if is_request(step)):
        if packed.count > MOST:
            break
        try:
            request = _request(facts, step_id, None)
        except NoRequest:
            continue
        body = request["body"]
        if isinstance(body, dict):
            request["body"] = {name: packed.places(value) for name, value in body.items()}
        found[step_id] = request
    return {"values": packed.values, "steps": found}


def all_details(facts: SessionFacts) -> Json:
    """Return all steps in full, with the places of their prompts' parts; of prompts as many as a file takes in."""
    packed = _Values()
    found: Json = {}
    for own in facts.every:
        details = details_of(facts, own, prompt=packed.count <= MOST)
        if prompt := details.get("prompt"):
            prompt |= {name: packed.places(prompt[name]) for name in _LISTS}
        elif has_prompt(own.step):
            details["prompt"] = _NOT_HERE
        found[own.step.step_id] = details
    return {"values": packed.values, "steps": found}
