from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import fields
from hypothesis import given
from hypothesis import strategies as st

from tests.store.making import a_run, a_session, a_step, json_values, texts
from tfstore.document.converter import from_json, step_to_json, to_json
from tfstore.document.documents import (
    Attempt,
    ErrorInfo,
    Latency,
    Origin,
    ProgramFailure,
    RedactionMark,
    Replay,
    Session,
    Step,
    Usage,
)
from tfstore.document.json_text import parse, readable
from tfstore.errors import NewerDocument

payloads = st.dictionaries(texts, json_values, max_size=3)
numbers = st.none() | st.integers(0, 10)
names = st.none() | texts.filter(bool)
steps = st.builds(
    Step,
    step_id=texts,
    seq=st.integers(),
    label=texts,
    type=texts,
    depends_on=st.lists(texts, max_size=2),
    origin=st.builds(Origin, names, names, st.integers(0, 3)),
    output_index=numbers,
    duration_ms=numbers,
    response_id=names,
    usage=st.none() | st.builds(Usage, *[st.integers(0, 9)] * 5),
    attempts=st.lists(st.builds(Attempt, st.integers(1, 3), numbers, names), max_size=2),
    latency=st.none() | st.builds(Latency, numbers, st.integers(0, 9)),
    error=st.none() | st.builds(ErrorInfo, texts, texts, names, numbers),
    payload_started=payloads,
    payload_completed=payloads,
    redactions=st.lists(st.builds(RedactionMark, *[texts] * 3, numbers), max_size=1),
)


@given(st.lists(steps, max_size=3), payloads)
def test_a_session_survives_the_way_to_the_disk_and_back(many: list[Step], metadata: dict[str, Any]) -> None:
    session = a_session("one", a_run(1, *many), metadata=metadata)
    written = readable(to_json(session))
    # Two halves of a surrogate pair side by side are one character in JSON: what is read must stay as it is.
    read = from_json(parse(written))

    assert readable(to_json(read)) == written
    assert len(read.runs[0].steps) == len(many)


def test_a_step_leaves_out_what_it_does_not_have() -> None:
    plain = step_to_json(a_step("1_1", "generic"))

    assert None not in plain.values()
    assert [] not in plain.values()
    assert {"payload_started", "payload_completed", "origin"} <= plain.keys()
    assert not {"session_id", "run_id", "error", "attempts"} & plain.keys()


def test_the_first_output_has_its_index() -> None:
    assert step_to_json(a_step("1_1", "generic", output_index=0))["output_index"] == 0


def test_every_field_of_a_session_is_in_its_document() -> None:
    ended_well = Session("one")
    # How its program failed stands there only where it did, what it plays again only if it does, so with what is raw.
    assert {*to_json(ended_well), "failure", "replay", "raw"} == {each.name for each in fields(Session)}
    failed = Session(
        "one",
        failure=ProgramFailure("ValueError", "It broke."),
        replay=Replay("branch", session_id="two", exact=3, live=1),
        raw=True,
    )
    assert set(to_json(failed)) == {each.name for each in fields(Session)}
    assert from_json(to_json(failed)).failure == failed.failure
    assert from_json(to_json(failed)).replay == failed.replay


def test_an_error_class_is_called_class() -> None:
    step = a_step("1_1", "tool_error", error=ErrorInfo("tool", "broke"))

    assert step_to_json(step)["error"] == {"class": "tool", "message": "broke"}
    document = to_json(a_session("one", a_run(1, step)))
    assert from_json(document).runs[0].steps[0].error == ErrorInfo("tool", "broke")


def test_a_word_that_is_not_known_is_a_word() -> None:
    """Of a later version, or the provider's own: wherever a vocabulary is closed for those who write."""
    step = a_step("1_1", "generic", error=ErrorInfo("tool", "broke"), timing="measured", ending="cut")
    step.redactions = [RedactionMark("a", "key", "dropped")]
    document = to_json(a_session("one", a_run(1, step), result="failed", end_reason="closed"))
    run = document["runs"][0]
    told = run["steps"][0]
    for holder in (document, run, run["lineage"], told, told["error"], told["redactions"][0]):
        words = {
            "label",
            "status",
            "timing",
            "ending",
            "class",
            "action",
            "source",
            "trigger",
            "result",
            "end_reason",
        }
        holder.update(dict.fromkeys(words & holder.keys(), "hologram"))

    assert json.dumps(document).count("hologram") == 12
    assert to_json(from_json(document)) == document


def test_early_documents_named_one_dependency() -> None:
    document = to_json(a_session("one", a_run(1, a_step("1_1", "generic"), a_step("1_2", "generic", "1_1"))))
    document["runs"][0]["steps"][1]["depends_on"] = "step_1_1"

    assert from_json(document).runs[0].steps[1].depends_on == ["step_1_1"]


def test_fields_of_later_versions_are_no_obstacle() -> None:
    document = to_json(a_session("one", a_run(1, a_step("1_1", "generic"))))
    document["runs"][0]["steps"][0]["new_in_1.1"] = document["new_in_1.1"] = {"a": 1}

    assert from_json(document).runs[0].steps[0].step_id == "step_1_1"


@pytest.mark.parametrize("version", ["thoughtflow/2", None, 1])
def test_another_schema_is_refused(version: object) -> None:
    with pytest.raises(NewerDocument):
        from_json({**to_json(Session("one")), "schema_version": version})
