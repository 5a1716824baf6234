from __future__ import annotations

from tests.builders import a_run, a_session, a_step
from tests.d2.sessions import troubled, weather
from tfd2.elements import Message, Sequence
from tfd2.timeline import timeline_board
from tfstore.document.documents import Session
from tfstore.reading.facts import gather


def _sequence(session: Session) -> Sequence:
    board = timeline_board(gather(session))
    assert board is not None
    assert board.sequence is not None
    return board.sequence


def _heads(session: Session, run: int) -> list[tuple[str, str, str, str]]:
    return [(m.source, m.target, m.look, m.head[0]) for m in _sequence(session).scenes[run - 1].messages]


def test_messages_go_between_user_agent_model_and_tools() -> None:
    sequence = _sequence(weather())
    assert sequence.actors[:3] == [("user", "User"), ("agent", "Agent"), ("model", "Model")]
    assert sequence.actors[3:] == [("t0", "get_weather"), ("t1", "send_email")]
    assert _heads(weather(), 4) == [
        ("user", "agent", "msg", "4.1 USER"),
        ("agent", "model", "msg", "4.2 MODEL gpt-4.1"),
        ("agent", "t1", "msg_tool", "4.3 CALL send_email"),
        ("t1", "agent", "msg_err", "4.4 ERROR send_email"),
    ]


def test_snapshots_are_not_messages() -> None:
    assert all("INSTRUCTIONS" not in head for *_, head in _heads(weather(), 1))


def test_trouble_is_said_by_word() -> None:
    messages = [message for scene in _sequence(troubled()).scenes for message in scene.messages]
    said = {(message.head[0], message.remarks) for message in messages}
    assert ("1.3 CALL read_file", "never answered") in said
    assert ("2.2 MODEL gpt-4.1", "FAILED · 3 attempts: 429 ×3") in said
    assert ("4.2 MODEL gpt-4.1", "CANCELLED · ending: cancelled") in said


def test_many_tools_share_a_lifeline_and_keep_their_names() -> None:
    calls = [a_step("tool_call", tool_name=f"tool_{n}") for n in range(20)]
    sequence = _sequence(a_session(a_run(*calls)))
    assert len(sequence.actors) == 3 + 3
    assert sequence.actors[-1] == ("t_others", "other tools")
    last = calls[-1].step_id
    assert sequence.scenes[0].messages[-1] == Message(
        "agent", "t_others", "msg_tool", ("1.20 CALL tool_19",), "()", last
    )


def test_a_run_of_snapshots_has_no_scene() -> None:
    silent = a_run(a_step("policy.snapshot", "Be brief."))
    sequence = _sequence(a_session(silent, a_run(a_step("user_message", "Hi"))))
    assert [scene.key for scene in sequence.scenes] == ["run_2"]
