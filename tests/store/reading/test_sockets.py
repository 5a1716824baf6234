"""How sockets and what is spoken look to a reader."""

from __future__ import annotations

from tests.projection.sockets.tape import Tape, connection, steps
from tests.projection.sockets.test_live import started
from tfd2 import drawn
from tfstore.document.documents import Session
from tfstore.reading.facts import gather
from tfstore.reading.failures import story_of
from tfstore.reading.shown.session import shown
from tfstore.reading.step_text import text_of
from tfstore.reading.step_words import remarks_on


def interrupted() -> Session:
    tape = (
        Tape()
        .configured()
        .speaks("item_1", "A story")
        .begins("resp_1")
        .tells("resp_1", "item_2", "Once upon")
    )
    tape.sounds("item_2", "resp_1", 5000)
    tape.got("input_audio_buffer.speech_started", item_id="item_3")
    tape.sent("conversation.item.truncate", item_id="item_2", content_index=0, audio_end_ms=1500)
    told = {"type": "cancelled", "reason": "turn_detected"}
    tape.done("resp_1", "item_2", "Once upon a time", "cancelled", status_details=told)
    return tape.closed("server", 1001, "bye").ended().session()


def test_a_connection_in_words() -> None:
    step = connection(interrupted())
    assert text_of(step) == "realtime, messages: 1 out, 10 in, 5.0 s of audio in, closed by the server (1001)"
    again = Tape().closed("network", 1006).opened().got("odd.thing").closed().session()
    assert text_of(connection(again)).startswith(
        "realtime, messages: 0 out, 1 in, reconnected once, closed by"
    )
    unread = Tape(kind="new").got("some.delta", delta="Hi").session()
    assert text_of(connection(unread)) == "new, messages: 0 out, 1 in, not read into steps: 1"


def test_what_was_heard_stands_beside_what_was_said() -> None:
    session = interrupted()
    facts = gather(session)
    (message,) = [own for own in facts.every if own.step.label == "assistant_message"]
    assert remarks_on(message) == "heard 1.5 s of 5.0 s"
    (call,) = [own for own in facts.every if own.step.label == "assistant_call"]
    assert "interrupted" in remarks_on(call)
    picture = "".join(drawn(session))
    assert "heard 1.5 s of 5.0 s" in picture
    assert "interrupted" in picture


def test_the_timeline_shows_who_spoke_when() -> None:
    session = interrupted()
    first = shown(gather(session))["runs"][0]
    bars = [each["bar"] for each in first["steps"] if "bar" in each]
    lasted = [bar["to"] - bar["from"] for bar in bars]
    prompt = steps(session, "user_message")[0]
    # The connection, what was said, the model, and what was heard of its answer.
    assert lasted[1] == prompt.duration_ms
    assert lasted[3] == 1500


def test_the_timeline_of_a_live_session() -> None:
    tape = started().wait(2000).heard("A story", 500, 1500).wait(900).spoke("Once upon", 2400, 3400)
    tape.wait(500).heard("Stop!", 3200, 3700).wait(100).spoke("Fine.", 3900, 4400)
    told = shown(gather(tape.closed().ended().session()))
    first, second = told["runs"]
    words = {(run["number"], each["word"]): each for run in (first, second) for each in run["steps"]}
    lasted = {
        place: each["bar"]["to"] - each["bar"]["from"]
        for place, each in words.items()
        if each["word"] in {"USER", "ASSISTANT"}
    }
    # As long as each was spoken, whenever its words came.
    assert lasted == {
        (1, "USER"): 1000, (1, "ASSISTANT"): 1000, (2, "USER"): 500, (2, "ASSISTANT"): 500,
    }  # fmt: skip
    assert words[1, "MODEL"]["remarks"] == "interrupted"
    assert "interrupted" in first["details"]
    assert "remarks" not in words[2, "MODEL"]


def test_a_connection_is_not_what_took_time() -> None:
    assert all(own.step.type != "websocket.connection" for own in story_of(interrupted()).slowest)


def test_what_was_kept_of_a_voice_is_shown() -> None:
    tape = Tape().configured().speaks("item_1", "Hi").begins("resp_1").tells("resp_1", "item_2", "Hello")
    for name, way in (("item_2", "in"), ("item_1", "out"), (None, "in"), ("item_9", "in")):
        tape.of(
            "socket.sound", dir=way, event="x", item_id=name, response_id=None, first_at=0, ms=20,
            sound={"blob": f"sha256:{name}", "bytes": 960, "media_type": "audio/wav"},
        )  # fmt: skip
    tape.done("resp_1", "item_2", "Hello")
    session = tape.closed().ended().session()
    media = {
        each["id"]: each["media"] for each in shown(gather(session))["runs"][0]["steps"] if "media" in each
    }
    (prompt,), (message,) = steps(session, "user_message"), steps(session, "assistant_message")
    assert media[prompt.step_id] == media[message.step_id] == [["payload_completed", "audio"]]
    # One is of no item, and one of an item that never came.
    sounds = connection(session).payload_completed["sounds"]
    assert [each.get("item_id") for each in sounds] == [None, "item_9"]
    assert len(media[connection(session).step_id]) == 2
