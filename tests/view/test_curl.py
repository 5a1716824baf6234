"""The request that the page copies, made by the page's own script; and a shell reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tfclient.view
from tests.projection.builders import Story, said, user
from tfclient.view.requests import all_requests, request_of
from tfstore.reading.facts import gather
from tfstore.store import Store

if TYPE_CHECKING:
    from tfstore.document.documents import Session, Step

playwright = pytest.importorskip("playwright", reason="playwright, which brings node, is not installed")
NODE = Path(str(playwright.__file__)).parent / "driver" / "node"
LONG = "all about it " * 6000

_MAIN = """
const boot = process.argv[2];
globalThis.document = { getElementById: () => ({ textContent: boot }) };
const { curlOf } = await import("./curl.js");
process.stdout.write(await curlOf(process.argv[3], process.argv[4]));
"""


def curl_of(folder: Path, session: Session, step: Step, requests: Any) -> str:
    """What is copied, run as a module outside of any browser."""
    if not NODE.exists():
        pytest.skip("playwright has no node here")
    shutil.copytree(Path(tfclient.view.__file__).parent / "static", folder / "page")
    (folder / "page" / "package.json").write_text('{"type": "module"}')
    (folder / "page" / "main.js").write_text(_MAIN)
    boot = json.dumps({"mode": "file", "requests": requests})
    command = [str(NODE), "main.js", boot, session.session_id, step.step_id]
    done = subprocess.run(  # noqa: S603 - our own script
        command, cwd=folder / "page", capture_output=True, text=True, check=True
    )
    return done.stdout


def sent_by(command: str) -> list[str]:
    """The arguments of every curl that a shell would run for this."""
    script = f"curl() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603, S607
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def recorded(cap: int | None = None, **fields: Any) -> tuple[Session, Step]:
    story = Story()
    story.begin(**({} if cap is None else {"max_payload": cap}))
    story.ask([user(LONG)], [said("Hi")], **fields)
    session = story.session()
    (step,) = (each for run in session.runs for each in run.steps if each.label == "assistant_call")
    return session, step


def test_a_request_that_was_cut_says_so(tmp_path: Path) -> None:
    """What is missing and where it is; a key with a line break does not end the comment."""
    key = "two\nlines; curl evil"
    session, step = recorded(1000, metadata={key: LONG, "short": "whole"})
    command = curl_of(tmp_path, session, step, all_requests(gather(session)))

    about = [line for line in command.splitlines() if line.startswith("#")]
    assert about == command.splitlines()[:4]
    assert about[0] == "# This request cannot be sent as it is: 2 of its values are not all here."
    cut = f"cut by max_payload, 1000 of {len(LONG)} bytes are kept"
    assert sorted(about[1:3]) == [f"#   input[0].content: {cut}", f"#   metadata.two lines; curl evil: {cut}"]
    assert about[3] == f"# The journal has all of it: tfclient show {session.session_id} --raw {step.step_id}"
    arguments = sent_by(command)
    assert arguments[:3] == ["-X", "POST", "https://api.openai.com/v1/responses"]
    body = json.loads(arguments[-1])
    assert body["metadata"]["short"] == "whole"
    assert body["input"][0]["content"]["text"] == LONG[:1000]


def test_one_that_is_whole_says_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    session, step = recorded()
    store.blobs.put(LONG.encode(), "text/plain")
    request = request_of(store, gather(session), step.step_id)
    body = request["body"]
    places = {name: place for place, name in enumerate(body)}
    requests = {"values": list(body.values()), "steps": {step.step_id: {**request, "body": places}}}
    command = curl_of(tmp_path, session, step, requests)

    assert command.startswith("curl -X 'POST'")
    assert json.loads(sent_by(command)[-1])["input"] == [{"role": "user", "content": LONG}]


def test_one_whose_text_is_kept_apart_says_so(tmp_path: Path) -> None:
    """As in a file, which has no store beside it."""
    session, step = recorded()
    command = curl_of(tmp_path, session, step, all_requests(gather(session)))

    first, second, *_ = command.splitlines()
    assert first.endswith("one of its values is not all here.")
    assert second.startswith("#   input[0].content: kept apart, in the blob sha256:")


def test_of_many_some_are_named(tmp_path: Path) -> None:
    session, step = recorded(1000, metadata={f"key_{n}": LONG for n in range(9)})
    about = curl_of(tmp_path, session, step, all_requests(gather(session))).splitlines()[:8]

    assert about[0].endswith("10 of its values are not all here.")
    assert about[6] == "#   and 5 more"
    assert about[7].startswith("# The journal")
