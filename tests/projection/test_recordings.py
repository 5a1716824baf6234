"""Every recording of real traffic gives a document, and the document agrees with the traffic."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, get_args

from tests.projection.recorded import Recording, json_body, needs_recordings, recordings
from tfclient.importing.cassette import Interaction
from tfclient.projection.wire.bodies import parse_json
from tfclient.projection.wire.endpoints import endpoint_of
from tfclient.projection.wire.sse import EventStream
from tfstore.document.converter import from_json, to_json
from tfstore.document.documents import Step, Usage
from tfstore.document.labels import Ending, Label, LineageSource, Status, Trigger

pytestmark = needs_recordings


def all_steps(recording: Recording) -> list[Step]:
    return [step for run in recording.session.runs for step in run.steps]


def final_response(interaction: Interaction) -> Any:
    """The response body, from the last event that holds it where it was streamed."""
    if "event-stream" not in interaction.headers.get("content-type", ""):
        return json_body(interaction.body)
    events = [parse_json(event.data) for event in EventStream().feed(interaction.body.decode())]
    found = [e["response"] for e in events if isinstance(e, dict) and isinstance(e.get("response"), dict)]
    return found[-1] if found else None


def responses_of(recording: Recording) -> list[tuple[Interaction, dict[str, Any]]]:
    """Each created response, with the last that was said of it."""
    found: list[tuple[Interaction, dict[str, Any]]] = []
    later = {
        body["id"]: body
        for i in recording.interactions
        if endpoint_of(i.method, i.path).family == "responses"
        and isinstance(body := final_response(i), dict)
        and body.get("object") == "response"
    }
    for sent in recording.calls:
        body = final_response(sent)
        if isinstance(body, dict) and body.get("object") == "response":
            found.append((sent, later[body["id"]] if body.get("output") == [] else body))
    return found


def test_a_document_each() -> None:
    """Every recording gives a document that reads back as it was written."""
    assert len(recordings()) > 700
    for recording in recordings():
        written = json.loads(json.dumps(to_json(recording.session)))
        assert to_json(from_json(written)) == written, recording.name
        assert recording.unknown_entries == 0
        assert recording.session.status == "closed"


def test_one_call_step_per_model_call() -> None:
    """As many `assistant_call` steps as model calls, counted in the summary too."""
    for recording in recordings():
        assert len(recording.call_steps) == len(recording.calls) == recording.session.summary.model_calls, (
            recording.name
        )


def test_every_output_item_is_one_step() -> None:
    """Each output item of each response is in exactly one step, with its ids and its place."""
    for recording in recordings():
        # A response that another interaction repeats (a cassette may hold the same exchange twice) counts apart.
        made = Counter(
            (s.response_id, s.output_index) for s in all_steps(recording) if s.output_index is not None
        )
        by_place = {
            (s.response_id, s.output_index): s for s in all_steps(recording) if s.output_index is not None
        }
        told = Counter(body["id"] for _, body in responses_of(recording))
        for _, body in responses_of(recording):
            for place, item in enumerate(body.get("output") or []):
                step = by_place.get((body["id"], place))
                assert step is not None, (recording.name, body["id"], place)
                assert made[body["id"], place] == told[body["id"]], (recording.name, body["id"], place)
                assert step.item_id == item.get("id") or told[body["id"]] > 1, (
                    recording.name,
                    body["id"],
                    place,
                )
                if item.get("call_id"):
                    assert step.call_id == item["call_id"], (recording.name, body["id"], place)


def test_usage_agrees() -> None:
    """Usage of each call is the API's, and their sum is the summary's."""
    for recording in recordings():
        total = Usage()
        for sent, step in zip(recording.calls, recording.call_steps, strict=True):
            body = final_response(sent)
            usage = body.get("usage") if isinstance(body, dict) else None
            if isinstance(usage, dict) and body.get("status") not in {"queued", "in_progress"}:
                assert step.usage is not None
                assert step.usage.input_tokens == usage.get("input_tokens", usage.get("prompt_tokens", 0))
                assert step.usage.output_tokens == usage.get(
                    "output_tokens", usage.get("completion_tokens", 0)
                )
            if step.usage is not None:
                total.add(step.usage)
        assert recording.session.summary.usage == total, recording.name


def test_steps_are_well_formed() -> None:
    """Steps have an origin, a digest, dependencies that came before them, and words of the vocabulary."""
    words = {name: set(get_args(kind)) for name, kind in {
        "label": Label, "status": Status, "ending": Ending, "trigger": Trigger, "source": LineageSource,
    }.items()}  # fmt: skip
    for recording in recordings():
        steps = sorted(all_steps(recording), key=lambda step: step.seq)
        assert [step.seq for step in steps] == list(range(1, len(steps) + 1))
        known: dict[str, Step] = {}
        for step in steps:
            assert step.step_id not in known
            assert len(step.sha256 or "") == 64
            assert step.label in words["label"]
            assert step.status in words["status"]
            assert step.ending is None or step.ending in words["ending"]
            assert all(needed in known for needed in step.depends_on), (recording.name, step.step_id)
            assert step.started_at is not None
            known[step.step_id] = step
        for run in recording.session.runs:
            assert run.trigger in words["trigger"]
            assert run.lineage.source in words["source"]
            for step in run.steps:
                if run.trigger not in {"api", "resumed"}:
                    assert step.origin.prompt_step_id in known, (recording.name, step.step_id)
                    assert step.origin.root_prompt_step_id in known, (recording.name, step.step_id)


def test_closed_sessions_have_nothing_open() -> None:
    """When a session has ended, nothing in it is in progress, but what the API itself left so."""
    for recording in recordings():
        left = [s for s in all_steps(recording) if s.status in {"in_progress", "queued"}]
        assert all(step.label == "assistant_call" for step in left), recording.name
        assert all(run.status not in {"in_progress", "queued"} for run in recording.session.runs), (
            recording.name
        )


def test_errors_are_errors() -> None:
    """Every answer of 400 and more is a failed step with its status and an error that says something."""
    for recording in recordings():
        for sent, step in zip(recording.calls, recording.call_steps, strict=True):
            if sent.status >= 400:
                assert (step.status, step.ending) == ("failed", "http_error")
                assert step.error is not None
                assert step.error.message
                assert step.error.http_status == sent.status


def test_streamed_twins_give_the_same_steps() -> None:
    """Calls that were recorded both streamed and not give the same kinds of steps for the same kinds of items."""
    from tests.projection.twins import as_streamed

    for recording in recordings():
        streamed = as_streamed(recording)
        if streamed is None:
            continue
        whole = [_told(step) for step in sorted(all_steps(recording), key=lambda s: s.seq)]
        assert [_told(step) for step in sorted(all_steps(streamed), key=lambda s: s.seq)] == whole, (
            recording.name
        )


def _told(step: Step) -> tuple[Any, ...]:
    payload = {k: v for k, v in step.payload_completed.items() if k not in {"response", "comments"}}
    return (
        step.step_id, step.label, step.type, step.status, step.depends_on, step.response_id, step.item_id, step.call_id,
        step.output_index, step.model, step.usage, step.finish_reason, step.payload_started, payload,
    )  # fmt: skip
