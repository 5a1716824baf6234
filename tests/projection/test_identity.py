"""Identity: seeing a thing again updates, never adds; ids, origins, threads and numbers are what they say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projection.builders import Story, call, output, project, said, steps, the, user
from tfclient.projection.api.api_results import result_summary
from tfclient.projection.summary import result_of

BOTH = pytest.mark.parametrize("api", ["responses", "chat"])


def retrieve(story: Story, response: Any) -> None:
    story.send(path=f"/v1/responses/{response['id']}", method="GET").answer(response)


def test_response_retrieved_is_the_same_step() -> None:
    """A response has one `assistant_call` whatever way it is seen again."""
    story = Story()
    sent = story.send(story.body([user("Hello")]))
    response = sent.response([said("Hi."), call("call_1", "weather")])
    sent.answer(response)
    before = steps(story.session())
    retrieve(story, response)
    retrieve(story, response)
    after = steps(story.session())
    assert [step.step_id for step in after] == [step.step_id for step in before]
    assert [step.sha256 for step in after] == [step.sha256 for step in before]


def test_retrieved_with_more_in_it() -> None:
    """`retrieve` with `include` may tell more: the item's step is brought up to date."""
    story = Story()
    search = {
        "type": "file_search_call",
        "id": "fs_1",
        "queries": ["x"],
        "results": None,
        "status": "completed",
    }
    sent = story.send(story.body([user("Find x")]))
    response = sent.response([search, said("Found.")])
    sent.answer(response)
    found = [{"file_id": "file-1", "text": "x is here", "score": 0.9}]
    retrieve(story, {**response, "output": [{**search, "results": found}, response["output"][1]]})
    session = story.session()
    assert the(session, "tool_output").payload_completed["output"] == found
    assert len(steps(session, "tool_call")) == 1


def test_older_news_of_a_response_change_nothing() -> None:
    """A poll that was answered late must not undo what is known."""
    story = Story()
    sent = story.send(story.body([user("Hello")], background=True))
    response = sent.response([said("Hi.")])
    sent.answer(response)
    retrieve(story, {**response, "status": "in_progress", "output": []})
    made = the(story.session(), "assistant_call")
    assert (made.status, made.payload_completed["text"]) == ("completed", "Hi.")


def test_items_with_the_same_id_are_two_steps() -> None:
    """An item's identity is its response and its place: real traffic repeats item ids within a response."""
    story = Story()
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    story.ask([user("Hello")], [thought, {**thought, "summary": []}, said("Hi.")])
    first, second = steps(story.session(), "reasoning")
    assert (first.item_id, second.item_id) == ("rs_1", "rs_1")
    assert (first.output_index, second.output_index) == (0, 1)


@BOTH
def test_every_step_knows_where_it_came_from(api: str) -> None:
    """Origin: the prompt of its run, the prompt at the root of its thread, and how many runs lie between."""
    story = Story(api)
    history: list[Any] = [user("One")]
    story.ask(history, [said("Uno.")], tools=[{"type": "function", "name": "weather"}])
    history += [said("Uno."), user("Two")]
    story.ask(history, [call("call_1", "weather")])
    history += [call("call_1", "weather"), output("call_1", "7")]
    story.ask(history, [said("Due.")])
    history += [said("Due."), user("Three")]
    story.ask(history, [said("Tre.")])
    session = story.session()
    assert [run.lineage.depth for run in session.runs] == [0, 1, 2]
    root = session.runs[0].steps[0].step_id
    for run in session.runs:
        prompt = next(step for step in run.steps if step.label == "user_message")
        for step in run.steps:
            assert step.origin.prompt_step_id == prompt.step_id
            assert step.origin.root_prompt_step_id == root
            assert step.origin.depth == run.lineage.depth
        assert run.lineage.root_run_id == "run_1"
        assert run.thread_id == "thread_1"


def test_prompt_depends_on_the_answer_before_it() -> None:
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    story.ask([user("More")], [said("Here.")], previous_response_id=first)
    session = story.session()
    hi = steps(session, "assistant_message")[0]
    more = steps(session, "user_message")[1]
    assert more.depends_on == [hi.step_id]


def test_branches_are_numbered_by_parent() -> None:
    """`branch_index` counts the children of one response; forks are the ones after the first."""
    story = Story()
    first = story.ask([user("Hello")], [said("Hi.")])
    second = story.ask([user("A")], [said("a")], previous_response_id=first)
    for text in ("B", "C"):
        story.ask([user(text)], [said(text)], previous_response_id=first)
    story.ask([user("D")], [said("d")], previous_response_id=second)
    session = story.session()
    assert {run.input_text: run.lineage.branch_index for run in session.runs} == {
        "Hello": 0, "A": 0, "B": 1, "C": 2, "D": 0,
    }  # fmt: skip
    assert session.summary.forks == 2


@BOTH
def test_summary_numbers(api: str) -> None:
    story = Story(api)
    asked = [user("Weather?"), call("call_1", "weather"), call("call_2", "news")]
    story.ask(asked[:1], asked[1:])
    retried = story.send(story.body([*asked, output("call_1", "7"), output("call_2", '{"error": "x"}')]))
    retried.answer({"error": {"message": "Wait.", "code": "rate_limit_exceeded"}}, 429).attempt()
    retried.answer_items([call("call_3", "weather")])
    story.send(story.body([user("Other")])).fails(500)
    story.end()
    summary = story.session().summary
    assert (summary.runs, summary.model_calls, summary.retries, summary.forks) == (2, 3, 1, 0)
    assert (summary.tool_calls, summary.tool_errors, summary.unresolved_tool_calls) == (3, 1, 1)
    assert summary.errors == 2
    assert {name: (tool.calls, tool.errors) for name, tool in summary.tools.items()} == {
        "weather": (2, 0), "news": (1, 1),
    }  # fmt: skip
    assert summary.models == {"gpt-5-2025": 2, "gpt-5": 1}
    usage = summary.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens) == (
        200,
        40,
        20,
        10,
    )
    assert usage.total_tokens == 240
    assert summary.steps == len(steps(story.session()))


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        (
            "[[ ## question ## ]]\nWhat is the weather?\n\nRespond with [[ ## answer ## ]]",
            "What is the weather?",
        ),
        (
            "<agent_history>\n</agent_history>\n<user_request>\nFind a flight\n</user_request>",
            "Find a flight",
        ),
        ('  <task id="1" kind="x">\n---\n```json\nNew task:\n  Sum up  this \n```', "Sum up this"),
        ("<only/>\n<tags>\n[[ ## and ## ]]", "<only/> <tags> [[ ## and ## ]]"),
        ("<b>Bold</b> words\nand more", "<b>Bold</b> words and more"),
        ("Why does <b> not close?\n<b>", "Why does <b> not close? <b>"),
        ("1 < 2\n> 0", "1 < 2 > 0"),
        ("...\nand?", "and?"),
    ],
)
def test_a_template_gives_way_to_what_it_holds(prompt: str, title: str) -> None:
    story = Story()
    story.ask([user(prompt)], [said("Yes.")])
    assert story.session().title == title


def test_title_is_the_first_prompt() -> None:
    story = Story()
    story.ask([user("  A long\nfirst   prompt " + "x" * 100)], [said("Hi.")])
    title = story.session().title
    assert title.startswith("A long first prompt x")
    assert len(title) == 80
    assert title.endswith("…")


def test_session_with_only_api_calls() -> None:
    """Embeddings and the like are `api` runs with one `generic` step; they are no model calls."""
    story = Story()
    body = {
        "data": [{"embedding": [0.1, 0.2]}],
        "model": "emb",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    story.send({"model": "emb", "input": "x"}, path="/v1/embeddings").answer(body)
    session = story.session()
    (run,) = session.runs
    (step,) = run.steps
    assert (run.trigger, run.status, step.label, step.type) == (
        "api",
        "completed",
        "generic",
        "api.embeddings.create",
    )
    assert step.payload_started["arguments"] == {"model": "emb", "input": "x"}
    assert step.payload_completed["result"] == "1 embedding of 2 numbers"
    assert session.summary.model_calls == 0
    assert result_of(session) == "completed"


def test_annotations_stand_beside_what_they_name() -> None:
    story = Story()
    first = story.ask([user("Hello")], [call("call_1", "weather")])
    story.ask([user("Other")], [said("Hm.")])
    story.tell(type="annotation", kind="score", data={"value": 1}, response_id=first)
    story.tell(type="annotation", kind="note", data="text", call_id="call_1")
    story.tell(type="annotation", kind="note", data={"on": "step"}, step="step_1_1")
    story.tell(type="annotation", kind="note", data=None)
    session = story.session()
    made = steps(session, "generic")
    assert [step.type for step in made] == ["annotation.score", *["annotation.note"] * 3]
    assert [step.depends_on for step in made] == [["step_1_2"], ["step_1_3"], ["step_1_1"], []]
    assert [step.run_id for step in made] == ["run_1", "run_1", "run_1", "run_2"]
    assert [step.payload_completed for step in made[:2]] == [{"value": 1}, {"value": "text"}]


def test_two_writers_in_one_session() -> None:
    """Entries of several writers interleave; call names and exchange ids are unique to their writer."""
    from tests.projection.builders import merged

    one, two = Story(writer="a"), Story(writer="b", api="chat")
    two.now += 500
    one.ask([user("From a")], [said("To a.")])
    two.ask([user("From b")], [said("To b.")])
    session = project(merged(one, two))
    assert {run.input_text: run.status for run in session.runs} == {
        "From a": "completed",
        "From b": "completed",
    }
    assert len({run.thread_id for run in session.runs}) == 2


@BOTH
def test_deltas_are_kept_on_request(api: str) -> None:
    """`deltas: true` in a call, or in the session, keeps each delta with the time it came."""
    for where in ("call", "session"):
        story = Story(api)
        story.begin(**({"deltas": True} if where == "session" else {}))
        started: Any = {"deltas": True} if where == "call" else {}
        sent = story.send(story.body([user("Hello")], stream=True), **started)
        sent.stream(sent.events(sent.response([said("Good day.")])))
        deltas = the(story.session(), "assistant_call").payload_completed["deltas"]
        if api == "responses":
            assert "".join(delta["delta"] for delta in deltas) == "Good day."
        else:
            pieces = [delta["choices"][0]["delta"].get("content") or "" for delta in deltas]
            assert "".join(pieces) == "Good day."
        times = [delta["at_ms"] for delta in deltas]
        assert times == sorted(times)


def test_deltas_are_not_kept_otherwise() -> None:
    story = Story(stream=True)
    story.ask([user("Hello")], [said("Good day.")])
    assert "deltas" not in the(story.session(), "assistant_call").payload_completed


def test_a_stream_of_another_endpoint_tells_its_last_words() -> None:
    """Text, model and usage stand where they would without streaming; an `error` event is a failure."""
    story = Story()
    for error in (None, {"message": "It broke.", "code": "server_error"}):
        sent = story.send({"model": "whisper-1", "stream": True}, path="/v1/audio/transcriptions")
        usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
        done = {"type": "transcript.text.done", "text": "Hello", "usage": usage}
        last = done if error is None else {"type": "error", "error": error}
        sent.stream([{"type": "transcript.text.delta", "delta": "Hel"}, last])
    good, bad = steps(story.session(), "generic")
    assert (good.status, good.model, good.usage and good.usage.total_tokens) == ("completed", "whisper-1", 5)
    assert good.payload_completed["result"] == "Hello"
    assert (bad.status, bad.ending) == ("failed", "error_event")
    assert bad.error is not None
    assert (bad.error.message, bad.error.code) == ("It broke.", "server_error")
    assert bad.payload_completed["result"] == "2 events, the last error"


def test_events_that_have_no_end_may_be_left() -> None:
    """Whoever follows a session's events leaves them when there is nothing more to wait for."""
    story = Story()
    for method, path in (("GET", "/v1/agents/sessions/s_1/events"), ("POST", "/v1/audio/speech")):
        story.send(None, method=method, path=path).stream([{"type": "idle"}], "left_early")
    assert [(s.status, s.ending) for s in steps(story.session(), "generic")] == [
        ("completed", "left_early"),
        ("cancelled", "left_early"),
    ]


def test_media_is_a_blob_whatever_its_bytes_are() -> None:
    story = Story()
    sent = story.send({"input": "Hi"}, path="/v1/audio/speech")
    sent.answer("ID3 only letters")
    story.entries[-1]["headers"] = {"content-type": "audio/mpeg"}
    (step,) = steps(story.session(), "generic")
    assert step.payload_completed["body"]["media_type"] == "audio/mpeg"
    assert step.payload_completed["result"] == "audio/mpeg, 16 bytes"


def test_the_model_and_the_size_of_a_form() -> None:
    story = Story()
    sent = story.send({"a": 1}, path="/v1/images/edits")
    parts = [{"name": "prompt", "value": "A fjord"}, {"name": "model", "value": "gpt-image-1"}]
    story.entries[-1]["body"] = {"unread": "multipart", "bytes": 345, "parts": parts}
    sent.answer({"data": []})
    (step,) = steps(story.session(), "generic")
    assert (step.model, step.payload_started["bytes"]) == ("gpt-image-1", 345)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("embeddings.create", {"data": [{"embedding": "AACAPwAAgD8="}]}, "1 embedding of 2 numbers"),
        ("embeddings.create", {"data": [{"embedding": [1.0]}, {}]}, "2 embeddings of 1 numbers"),
        ("fine_tuning.jobs.list", {"data": [{"object": "fine_tuning.job"}]}, "1 fine tuning job"),
        ("files.content", "a,b", "text/csv, 3 characters"),
    ],
)
def test_what_came_back_in_a_line(name: str, body: Any, said: str) -> None:
    assert result_summary(name, body, "text/csv; charset=utf-8") == said
