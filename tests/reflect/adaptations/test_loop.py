"""The whole way by the real client: proposed, confirmed, given to the next sessions, and its effect told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.making import run
from tests.reflect.paying import TOOLS, pay
from tests.server.replies import Call, answer, calls
from tfclient import Recorder, TracedOpenAI, open_store
from tfclient.reflect import adaptations_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.scripted import ScriptedServer

BASE = "You pay trips."


def a_session(client: TracedOpenAI, server: ScriptedServer, instructions: str, *outputs: str) -> None:
    server.script(*(calls(Call("pay", {"card": "visa"})) for _ in outputs), answer("Done."))
    pay(client, instructions, "Pay my trip.", outputs)


def test_propose_confirm_carry_compare(tmp_path: Path, server: ScriptedServer) -> None:
    root = tmp_path / "flow"
    client = TracedOpenAI(api_key="k", base_url=server.url, recorder=Recorder(root), max_retries=0)
    for _ in range(10):
        a_session(client, server, BASE, "Error: the card was refused", "paid")

    made = run(
        *(
            "adapt",
            "propose",
            "--title",
            "Ask for the card",
            "--text",
            "Ask which card to use before you pay.",
        ),
        *("--because", "last#1.5", "--tool", "pay", "--store", root, "--json"),
    ).json
    store = open_store(root)
    assert adaptations_for(store, TOOLS, BASE).text == ""
    assert run("adapt", "confirm", made["adaptation_id"], "--yes", "--store", root).code == 0

    adapted = adaptations_for(store, TOOLS, BASE)
    assert adapted.adaptation_ids == (made["adaptation_id"],)
    for _ in range(10):
        a_session(client, server, f"{BASE}\n{adapted.text}", "paid")
    client.close()

    outcome = run("adapt", "effect", made["adaptation_id"], "--store", root)
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert lines[:4] == [
        f"{made['adaptation_id']} confirmed · Ask for the card",
        "without it with it",
        "sessions 10 10",
        "with an error 10 (100%) 0 (0%) p < 0.001",
    ]
    assert "error_as_text 10 (100%) 0 (0%) p < 0.001" in lines
    assert any(line.startswith("It went together with fewer errors; p is how often") for line in lines)
    assert run("adapt", "show", made["adaptation_id"], "--store", root, "--json").json["status"] == "used"
