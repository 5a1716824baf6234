"""What went over sockets, passed on with more replaced: nothing of it is left, and it is told as before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.projection.sockets.tape import Tape
from tfclient.export.redacting import Redacting
from tfclient.projection.projector import Projector
from tfclient.redaction.asked import WithoutAsked
from tfclient.redaction.policies import WithoutContent


def taped() -> Tape:
    tape = Tape().configured(instructions="Write to ada@example.org")
    tape.entries[-2] |= {"headers": {"x-note": "ada@example.org"}, "response_headers": {}}
    tape.says("I am ada@example.org").begins("resp_1").tells(
        "resp_1", "item_2", "So ada@exa", "mple.org it is"
    )
    tape.done("resp_1", "item_2", "So ada@example.org it is")
    return tape.closed("server", 1000, "ada@example.org").ended()


def told(entries: list[Any]) -> list[Any]:
    projector = Projector("sess_1")
    for entry in entries:
        projector.feed(entry)
    return [(run.status, [step.label for step in run.steps]) for run in projector.session().runs]


@pytest.mark.parametrize("policy", [WithoutAsked(["emails"]), WithoutContent()], ids=["emails", "content"])
def test_nothing_of_it_is_left(policy: Any) -> None:
    entries = [{**each, "seq": n, "session_id": "sess_1"} for n, each in enumerate(taped().entries)]
    made = Redacting(policy).entries(entries)
    text = json.dumps(made)
    assert "ada@" not in text
    assert "mple.org" not in text
    assert told(made) == told(entries)
    assert len(made) == len(entries)


@pytest.mark.parametrize(
    ("policy", "goes"),
    [(WithoutAsked(["emails"]), True), (WithoutContent(), False)],
    ids=["emails", "content"],
)
def test_a_voice_goes_along_unless_no_word_may(policy: Any, goes: bool) -> None:  # noqa: FBT001
    sound = {"blob": "sha256:aa", "bytes": 3, "media_type": "audio/wav"}
    tape = Tape().of(
        "socket.sound", dir="in", event="response.output_audio.delta", item_id="item_1", response_id=None,
        first_at=0, ms=1, sound=sound,
    )  # fmt: skip
    redacting = Redacting(policy)
    made = redacting.entries([{**each, "seq": n} for n, each in enumerate(tape.entries)])[-1]
    assert made["sound"] == (sound if goes else {"bytes": 3})
    # Nobody has looked into it.
    assert redacting.not_looked_at == int(goes)
    assert ("redactions" in made) is not goes
