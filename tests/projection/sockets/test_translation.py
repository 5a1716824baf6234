"""What is translated while it is being said becomes runs: a passage between two pauses is one."""

from __future__ import annotations

from typing import Any

from tests.projection.sockets.tape import Tape, connection, steps, turns

SESSION: dict[str, Any] = {
    "id": "sess_1",
    "type": "translation",
    "model": "gpt-translate",
    "audio": {"output": {"language": "de"}},
}


def heard(tape: Tape, text: str, ms: int | None) -> Tape:
    return tape.got("session.input_transcript.delta", delta=text, elapsed_ms=ms)


def said(tape: Tape, text: str, ms: int | None) -> Tape:
    return tape.got("session.output_transcript.delta", delta=text, elapsed_ms=ms)


def begun() -> Tape:
    return Tape(kind="translations").got("session.created", session=SESSION)


def test_passages() -> None:
    tape = said(heard(said(heard(begun(), "Good ", 200), "Guten ", 600), "morning.", 800), "Morgen.", 1400)
    tape = said(heard(tape, "How are you?", 5000), "Wie geht es?", 6000)
    session = tape.got("session.closed").closed("server").ended().session()
    assert [run.input_text for run in turns(session)] == ["Good morning.", "How are you?"]
    assert [call.payload_completed["text"] for call in steps(session, "assistant_call")] == [
        "Guten Morgen.", "Wie geht es?",
    ]  # fmt: skip
    (call, _), (prompt, _) = steps(session, "assistant_call"), steps(session, "user_message")
    assert (call.type, call.model, prompt.type) == (
        "translation.answer",
        "gpt-translate",
        "translation.speech",
    )
    assert session.summary.interruptions == 0
    assert session.runs[1].lineage.notes == ["inferred"]


def test_without_a_transcript_of_what_is_said() -> None:
    session = (
        said(said(said(begun(), "Guten ", 600), "Morgen.", 1000), "Ja.", 9000).closed().ended().session()
    )
    assert [run.input_text for run in turns(session)] == ["[speech]", "[speech]"]
    assert [step.payload_completed["text"] for step in steps(session, "assistant_message")] == [
        "Guten Morgen.", "Ja.",
    ]  # fmt: skip


def test_pauses_where_no_moments_are_told() -> None:
    tape = heard(heard(begun(), "One", None).wait(100), " and two", None).wait(3000)
    assert [run.input_text for run in turns(heard(tape, "Three", None).session())] == ["One and two", "Three"]


def test_another_language_an_error_and_what_is_not_understood() -> None:
    tape = said(heard(begun(), "Hi", 200), "Hallo", 400).sent("session.update", session={})
    audio = {"output": {"language": "fr"}}
    tape.got("session.updated", session={**SESSION, "audio": audio})
    tape.got("error", error={"message": "No.", "code": "no"}).got("session.new", a=1).sent("session.close")
    session = tape.of("socket.audio", dir="out", event="x", item_id=None, response_id=None, first_at=0,
                      frames=1, bytes=48, ms=1).session()  # fmt: skip
    changed, error, new = steps(session, "generic")[1:]
    assert changed.payload_completed == {"session": {"audio": audio}}
    assert (error.type, error.error and error.error.code) == ("translation.error", "no")
    assert (new.type, new.notes) == ("translation.session.new", ["not_understood"])
    assert connection(session).payload_completed["audio"]["out"]["ms"] == 1


def test_a_new_connection_knows_nothing() -> None:
    tape = said(heard(begun(), "Hi", 200), "Hal", 400).closed("network", 1006).opened(kind="translations")
    session = heard(tape, "Hi", 200).session()
    assert [run.lineage.notes for run in turns(session)] == [["inferred"], ["lost_context", "inferred"]]
    (call,) = steps(session, "assistant_call")
    assert (call.status, call.ending) == ("incomplete", "cut")
