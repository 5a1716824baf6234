"""From sessions to notes and back, by the real client: what two sessions met is given to the third."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reflect.paying import TOOLS, pay
from tests.server.replies import Call, answer, calls
from tfclient import Recorder, TracedOpenAI, open_store
from tfclient.reflect import notes_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer


def a_session(client: TracedOpenAI, server: ScriptedServer, instructions: str, card: str) -> None:
    """The tool fails with the first card and works with the second."""
    wanted = [Call("pay", {"card": card, "to": "Zanzibar"}), Call("pay", {"card": "4000", "to": "Zanzibar"})]
    outputs = [f"Error: card {card} of Lovelace was refused", "paid"]
    server.script(*(calls(each) for each in wanted), answer("Done."))
    pay(client, instructions, "I am Ada Lovelace. Pay my trip to Zanzibar.", outputs)


@pytest.mark.parametrize("redact", ["secrets", "content"])
def test_what_two_sessions_met_is_given_to_the_third(
    tmp_path: Path, server: ScriptedServer, redact: str
) -> None:
    recorder = Recorder(tmp_path / "flow", notes=True, redact=redact)
    client = TracedOpenAI(api_key="k", base_url=server.url, recorder=recorder, max_retries=0)
    for number in range(2):
        a_session(client, server, "Be kind.", f"510{number}")
    store = open_store(tmp_path / "flow")
    files = "".join(
        path.read_text(encoding="utf-8") for path in store.paths.learnings.rglob("*.*") if path.is_file()
    )
    notes = notes_for(store, tools=TOOLS)

    if redact == "content":
        # Nobody can say of a hash that it is an error.
        assert (notes.text, "Lovelace" in files, "Zanzibar" in files) == ("", False, False)
        return
    (lesson_id,) = notes.lesson_ids
    assert (
        f'- pay answered "card N of S was refused" (2×); it worked with card changed (2 of 2) [{lesson_id}]'
        in notes.text
    )
    a_session(client, server, f"Be kind.\n{notes.text}", "5102")
    (row,) = store.learnings.lessons()
    assert (row["seen"], len(row["used_in"])) == (3, 1)
