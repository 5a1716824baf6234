"""``tfclient demo``: a small recorded agent, run through the real client."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from tfclient.cli.failures import Refused
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import print_json, stdout

if TYPE_CHECKING:
    from tfclient.demo.agent import Say
    from tfstore.document.documents import Session
    from tfstore.store import Store

SECONDS = 30.0
"""How long the demo waits for its files."""

SPEAKER = 7
"""Columns for who speaks."""

_NEXT: Final = (
    ("show last", "the session as a tree"),
    ("why last", "what went wrong, and what led there"),
    ("d2 last --svg", "its diagram as a picture"),
    ("view last", "the same in the browser"),
)
"""What to look at next: commands, and what they show."""

KEY = "sk-demo"
"""Nobody is asked: any key does."""


def demo(*, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Run a small agent, from a recording: no key, no network.

    Everything but the answers is real: the client, the recorder, the store, the diagram.

    With --json: {store, session_id, json, d2, title, result}.
    """
    from tfclient.settings import directory_to_read
    from tfstore.store import Store

    # Opened before anything is played: a place that cannot be written is said in one sentence.
    opened = Store(directory_to_read(store), create=True)
    session = _play(opened, None if as_json else _aloud())
    document, diagram = opened.paths.document(session.session_id), opened.paths.diagram(session.session_id)
    if as_json:
        print_json(
            {
                "store": str(opened.paths.root),
                "session_id": session.session_id,
                "json": str(document),
                "d2": str(diagram) if diagram.is_file() else None,
                "title": session.title,
                "result": session.result,
            }
        )
        return
    from rich.text import Text

    from tfclient.cli.commands.show import print_tree
    from tfclient.cli.invocation import as_typed

    stdout().print()
    print_tree(session, session.runs)
    console = stdout()
    console.print()
    for name, where in (("JSON", document), ("D2", diagram)):
        console.print(f"{name:<5} {where}", soft_wrap=True)
    place = "" if store is None else f" --store {shlex.quote(str(store))}"
    console.print("\nNext:", style="dim")
    commands = [f"{as_typed()} {words}{place}" for words, _ in _NEXT]
    for command, (_, what) in zip(commands, _NEXT, strict=True):
        said = command.ljust(max(map(len, commands)))
        console.print(Text.assemble("  ", said, (f"  # {what}", "dim")), soft_wrap=True)


def _aloud() -> Say:
    """Return what prints the conversation as it happens."""
    from rich.text import Text

    from tfclient.cli.lines.blocks import block

    console = stdout()
    styles = {"user": "bold cyan", "agent": "bold blue", "tool": "yellow"}

    def say(who: str, what: str) -> None:
        lines = block(what, console.width - SPEAKER)
        for place, line in enumerate(lines):
            name = "" if place else who
            console.print(Text.assemble((name.ljust(SPEAKER), styles.get(who, "")), line), soft_wrap=True)

    return say


def _play(store: Store, say: Say | None) -> Session:
    from tfclient import Recorder, TracedOpenAI
    from tfclient.demo import demo_http_client, run_demo

    recorder = Recorder(store.paths.root, enabled=True)
    try:
        with TracedOpenAI(
            api_key=KEY, base_url=URL, http_client=demo_http_client(), recorder=recorder
        ) as client:
            run_demo(client, say)
            handle = client.end_session()
    except Exception as error:
        # Whatever it is, a demo is no place for a traceback.
        raise Refused(f"The demo could not be played ({type(error).__name__}: {error}).") from error
    if handle is None:
        reason = recorder.health.last_error or "no session was opened"
        raise Refused(f"The demo ran, but nothing was recorded: {reason}.")
    if not handle.wait(SECONDS):
        reason = str(handle.error or f"its files were not written within {SECONDS:g} s")
        raise Refused(f"The demo ran as session {handle.id}, but {reason.rstrip('.')}.")
    return store.get(handle.id)


URL = "https://api.openai.com/v1"
"""Said, so that an OPENAI_BASE_URL of the user's does not matter."""
