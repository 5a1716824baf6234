"""``tfclient demo``: a small recorded agent, run through the real client."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import Refused
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import print_json, stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.demo.agent import Say, TravelTools
    from tfclient.replaying.playback import Playback
    from tfstore.document.documents import Session
    from tfstore.store import Store

SECONDS = 100.0
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


def demo(
    *,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Then play its session again, one tool's output changed, and compare."),
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a small agent, from a recording: no key, no network.

    Everything but the answers is real: the client, the recorder, the store, the diagram. With --replay its session is
    then given to it again, as `tfclient replay` does: once as it was, once with another forecast.

    With --json: {store, session_id, json, d2, title, result}; with --replay also replays: [{session_id, played, count,
    exact, nearest, differing}].
    """
    from tfclient.cli.finding import folder_of
    from tfclient.settings import directory_to_read
    from tfstore.store import Store

    # Opened before anything is played: a place that cannot be written is said in one sentence.
    opened = Store(directory_to_read(folder_of(store, "demo")), create=True)
    session = _play(opened, None if as_json else _aloud())
    document, diagram = opened.paths.document(session.session_id), opened.paths.diagram(session.session_id)
    replays = list(_played_again(opened, session)) if replay else []
    if as_json:
        about: dict[str, Any] = {
            "store": str(opened.paths.root),
            "session_id": session.session_id,
            "json": str(document),
            "d2": str(diagram) if diagram.is_file() else None,
            "title": session.title,
            "result": session.result,
        }
        print_json(
            about | ({"replays": [_row(again, playback) for again, playback in replays]} if replay else {})
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
    for again, playback in replays:
        _compare(session, again, playback)
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


def _played_again(store: Store, session: Session) -> Iterator[tuple[Session, Playback]]:
    """Yield the session as it is played again: as it was, then with another forecast."""
    from tfclient.demo import StormyTools
    from tfclient.replaying.playback import Playback
    from tfclient.replaying.tape_of_session import tape_of_session

    tape = tape_of_session(store, session.session_id)
    for playback, tools in ((Playback(tape), None), (Playback(tape, match="nearest"), StormyTools())):
        yield _play(store, None, playback, tools), playback


def _compare(session: Session, again: Session, playback: Playback) -> None:
    """Print what became of a replay: how it was answered, and what is different."""
    from tfclient.cli.lines.differences import differences
    from tfclient.cli.printing import print_lines
    from tfstore.reading.comparison import aligned_runs

    console = stdout()
    changed = any(each.differences for each in playback.answers)
    title = "Again, with a storm on Saturday" if changed else "Again, as it was"
    console.print(f"\n{title}: {playback.told()}", style="bold", soft_wrap=True)
    print_lines(differences(session, again, aligned_runs(session.runs, again.runs), console.width), console)


def _row(again: Session, playback: Playback) -> dict[str, Any]:
    ways = [each.how for each in playback.answers]
    places = dict.fromkeys(place.where for each in playback.answers for place in each.differences)
    counts = {
        "played": len(ways),
        "count": playback.count,
        "exact": ways.count("exact"),
        "nearest": ways.count("nearest"),
    }
    return {"session_id": again.session_id, **counts, "differing": list(places)}


def _play(
    store: Store, say: Say | None, replay: Playback | None = None, tools: TravelTools | None = None
) -> Session:
    from tfclient import Recorder, TracedOpenAI
    from tfclient.demo import demo_http_client, run_demo

    recorder = Recorder(store.paths.root, enabled=True)
    try:
        with TracedOpenAI(
            api_key=KEY, base_url=URL, http_client=demo_http_client(), recorder=recorder, replay=replay
        ) as client:
            run_demo(client, say, tools)
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
