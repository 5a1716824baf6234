"""Clients that share a recorder, and conversations that go over many clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import answer
from tfclient.sessions import continued

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder

HISTORY = [
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": "Where?"},
    {"role": "user", "content": "Oslo"},
]


@pytest.fixture(autouse=True)
def says_hello(server: ScriptedServer) -> Iterator[None]:
    server.always(answer("Hello!"))
    yield
    continued._OFFERED.clear()


def ask(drive: Driver, client: Any, history: Any) -> None:
    drive.do(client.responses.create(model=MODEL, input=history))


def ended(store: Path | Recorder, session: str) -> bool:
    return journals.types(store, session)[-1] == "session.ended"


def test_a_client_that_is_closed_does_not_end_what_others_record(drive: Driver, recorder: Recorder) -> None:
    lasting = drive.traced(recorder)
    ask(drive, lasting, "one")
    helper = drive.traced(recorder)
    ask(drive, helper, "two")
    drive.do(helper.close())
    ask(drive, lasting, "three")

    (session,) = journals.sessions(recorder)
    assert not ended(recorder, session)
    drive.do(lasting.close())
    assert ended(recorder, session)


def test_closing_a_client_leaves_the_session_of_a_block_alone(drive: Driver, recorder: Recorder) -> None:
    with recorder.session(id="mine") as session:
        ask(drive, client := drive.traced(recorder), "one")
        drive.do(client.close())
        assert not session.ended


@pytest.mark.parametrize("shared", [True, False])
def test_a_client_for_each_call(*, shared: bool, drive: Driver, recorder: Recorder) -> None:
    for upto in (1, 3):
        client = drive.traced(recorder if shared else None)
        ask(drive, client, HISTORY[:upto])
        drive.do(client.close())

    (session,) = journals.sessions(recorder)
    assert len(journals.requests(recorder, session)) == 2
    assert ended(recorder, session)


def test_a_client_for_each_call_that_nobody_closes(drive: Driver, own_environment: Path) -> None:
    """The garbage collector may come for them much later."""
    for history in ("Weather?", HISTORY):
        ask(drive, drive.traced(None), history)

    assert len(journals.sessions(own_environment)) == 1


def test_another_conversation_is_another_session(drive: Driver, own_environment: Path) -> None:
    ask(drive, drive.traced(None), HISTORY[:1])
    ask(drive, drive.traced(None), [{"role": "user", "content": "News?"}, *HISTORY[1:]])
    ask(drive, drive.traced(None), HISTORY[:1])

    assert len(journals.sessions(own_environment)) == 3


def test_a_beginning_that_two_had_ties_nothing(drive: Driver, own_environment: Path) -> None:
    """Else the history of one user could land in another one's session."""
    for history in (HISTORY[:1], HISTORY[:1], HISTORY):
        ask(drive, drive.traced(None), history)

    assert len(journals.sessions(own_environment)) == 3


def test_a_session_that_the_program_ended_stays_ended(drive: Driver, own_environment: Path) -> None:
    first = drive.traced(None)
    ask(drive, first, HISTORY[:1])
    first.end_session()
    ask(drive, drive.traced(None), HISTORY)

    assert len(journals.sessions(own_environment)) == 2
