"""Nothing that was on the wire is missing: every text and number of every recorded exchange is in the document.

What a list below leaves out, it leaves out for the reason beside it. The lists are reviewed like code.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from tests.projection.leaves import Held, Path, leaves
from tests.projection.recorded import Recording, json_body, needs_recordings, recordings
from tfclient.importing.cassette import Interaction
from tfclient.projection.wire.endpoints import endpoint_of
from tfclient.projection.wire.sse import EventStream
from tfstore.document.documents import Step

LEFT_OUT = {
    "encrypted_content": "says nothing to a reader: its length and digest stand for it",
    "obfuscation": "random padding that the API adds against eavesdroppers",
    "sequence_number": "the order of the events, which the document keeps as order",
}
"""Keys whose values are left out, wherever they are."""

CARRIERS = {
    "response", "chat.completion", "chat.completion.chunk", "response.compaction", "text_completion",
}  # fmt: skip
"""Values of ``object`` that name the carrier, not what it carries: the step's type says it."""

IN_A_STREAM = {
    "index": "the position that a piece is put at",
    "created": "the second in which each chunk was made: the first and the last are kept",
}
"""Keys of chunks that are left out because the pieces are put together."""

PIECES = {"content", "arguments", "reasoning_content", "refusal", "transcript", "data"}
"""Keys of deltas whose pieces are joined."""

A_POLL_SAID = {"status": "of a response that was still being made: a later poll replaced it"}

pytestmark = needs_recordings


def exchanges(recording: Recording) -> list[tuple[Interaction, Held]]:
    """Each exchange with what the document holds of it: its step and those that came of it."""
    steps = {step.step_id: step for run in recording.session.runs for step in run.steps}
    children: dict[str, list[Step]] = defaultdict(list)
    for step in steps.values():
        for needed in step.depends_on:
            children[needed].append(step)
    calls = iter(recording.call_steps)
    apis = iter(sorted((s for s in steps.values() if s.type.startswith("api.")), key=lambda step: step.seq))
    found: list[tuple[Interaction, Held]] = []
    for interaction in recording.interactions:
        if not interaction.is_openai:
            continue
        held = Held(recording.blobs)
        endpoint = endpoint_of(interaction.method, interaction.path)
        if endpoint.is_model_call:
            own = [next(calls)]
        elif (
            any(s.response_id == endpoint.resource_id for s in recording.call_steps)
            and endpoint.family == "responses"
        ):
            own = [s for s in recording.call_steps if s.response_id == endpoint.resource_id]
        else:
            own = [next(apis)]
        made = {step.response_id for step in own if step.response_id}
        told = [step for step in steps.values() if step.response_id in made and step not in own]
        for step in _with_parents(own, steps) + _with_children(own, children) + told:
            held.take(step)
        found.append((interaction, held))
    return found


def _with_children(own: list[Step], children: dict[str, list[Step]]) -> list[Step]:
    made = [child for step in own for child in children[step.step_id] if child.label != "assistant_call"]
    outputs = [child for step in made for child in children[step.step_id] if child.label.startswith("tool_")]
    return [*own, *made, *outputs]


def _with_parents(own: list[Step], steps: dict[str, Step]) -> list[Step]:
    """The steps that a call's prompt refers to: what was echoed back is not written twice."""
    return [steps[needed] for step in own for needed in step.depends_on if needed in steps]


def missing_from(held: Held, body: Any, left_out: dict[str, str]) -> list[str]:
    return [
        f"{'.'.join(map(str, path))} = {str(leaf)[:60]!r}"
        for path, leaf in leaves(body)
        if not left_out.keys() & set(path)
        and not (path[-1:] == ("object",) and leaf in CARRIERS)
        and not held.holds(leaf)
    ]


def test_responses() -> None:
    """Every leaf of every response that came as a whole."""
    missing: list[str] = []
    for recording in recordings():
        for interaction, held in exchanges(recording):
            body = json_body(interaction.body)
            if isinstance(body, dict | list):
                polled = isinstance(body, dict) and body.get("status") in {"queued", "in_progress"}
                left_out = LEFT_OUT | (A_POLL_SAID if polled else {})
                missing += [f"{recording.name}: {each}" for each in missing_from(held, body, left_out)]
    assert not missing, "\n".join([f"{len(missing)} leaves", *missing[:60]])


def test_streams() -> None:
    """Every leaf of a stream's final response; without one, what the pieces come to."""
    missing: list[str] = []
    for recording in recordings():
        for interaction, held in exchanges(recording):
            if "event-stream" in interaction.headers.get("content-type", ""):
                for body in told_by(interaction):
                    left_out = LEFT_OUT | IN_A_STREAM
                    missing += [f"{recording.name}: {each}" for each in missing_from(held, body, left_out)]
    assert not missing, "\n".join([f"{len(missing)} leaves", *missing[:60]])


def told_by(interaction: Interaction) -> list[Any]:
    """What a stream comes to: its final response, or its chunks with their pieces joined."""
    events = [json_body(event.data.encode()) for event in EventStream().feed(interaction.body.decode())]
    told = [event for event in events if isinstance(event, dict)]
    finals = [event["response"] for event in told if isinstance(event.get("response"), dict)]
    if finals:
        return finals[-1:]
    pieces: dict[Path, str] = defaultdict(str)
    rest: list[Any] = []
    for chunk in told:
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not any({"delta", "text"} & choice.keys() for choice in choices):
            rest.append(chunk)
            continue
        rest.append({k: v for k, v in chunk.items() if k != "choices"})
        for choice in choices:
            rest.append({k: v for k, v in choice.items() if k not in {"delta", "text"}})
            # A legacy completion's piece stands in the choice itself.
            pieces[(choice.get("index", 0), "text")] += choice.get("text") or ""
            for path, leaf in leaves(choice.get("delta")):
                if isinstance(leaf, str) and path[-1] in PIECES:
                    pieces[(choice.get("index", 0), *_place_of(path, choice["delta"]))] += leaf
                else:
                    rest.append({path[-1]: leaf} if isinstance(path[-1], str) else [leaf])
    return [*rest, list(pieces.values())]


def _place_of(path: Path, delta: Any) -> Path:
    if path[0] == "tool_calls":
        return ("tool_calls", delta["tool_calls"][path[1]].get("index", 0), *path[2:])
    return path


def test_requests() -> None:
    """Every leaf of every request is in the document: in its own steps, or in those that it refers to."""
    missing: list[str] = []
    for recording in recordings():
        held = Held(recording.blobs)
        for run in recording.session.runs:
            for step in run.steps:
                held.take(step)
        for interaction in recording.interactions:
            body = json_body(interaction.request_body)
            if interaction.is_openai and isinstance(body, dict | list):
                missing += [f"{recording.name}: {each}" for each in missing_from(held, body, LEFT_OUT)]
    assert not missing, "\n".join([f"{len(missing)} leaves", *missing[:60]])


def test_headers_of_note() -> None:
    """Request ids, processing times, versions and rate limits of every answer are with its attempt."""
    noted = (
        "x-request-id",
        "openai-processing-ms",
        "openai-version",
        "x-ratelimit-remaining-tokens",
        "retry-after",
    )
    for recording in recordings():
        for sent, step in zip(recording.calls, recording.call_steps, strict=True):
            last = step.attempts[-1]
            kept = {"x-request-id": last.request_id, **last.headers}
            assert {k: v for k, v in sent.headers.items() if k in noted}.items() <= kept.items(), (
                recording.name
            )


def test_bodies_that_are_no_json() -> None:
    """Binary and text bodies of other endpoints are in the document or its blobs, whole."""
    for recording in recordings():
        for interaction, held in exchanges(recording):
            if json_body(interaction.body) is not None or not interaction.body:
                continue
            if "event-stream" in interaction.headers.get("content-type", ""):
                continue
            try:
                body: str | bytes = interaction.body.decode()
            except UnicodeDecodeError:
                body = interaction.body
            assert body in held.values, (recording.name, interaction.path)


def test_the_lists_are_short() -> None:
    """What is left out has a reason each, and occurs."""
    seen = json.dumps([json_body(i.body) for r in recordings() for i in r.interactions])
    seen += "".join(i.body.decode("utf-8", "replace") for r in recordings() for i in r.interactions)
    assert all(f'"{key}"' in seen for key in LEFT_OUT | IN_A_STREAM)
