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
