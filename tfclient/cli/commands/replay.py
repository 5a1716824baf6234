"""``tfclient replay``: a program runs again in a process of its own, and is given what a recorded one was given."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.printing import complain, print_json, remark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfclient.replaying.playback import Playback
    from tfclient.replaying.reports import Report

_KEY: Final = "replay"
"""Stands for an API key where there is none: nobody is asked for it."""

_KEYS: Final = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")


class Match(StrEnum):
    """How far a request may differ from the recorded one."""

    EXACT = "exact"
    ALIKE = "alike"
    NEAREST = "nearest"


class OnMiss(StrEnum):
    """What becomes of a request that has no answer."""

    ERROR = "error"
    LIVE = "live"


class Unplayed(StrEnum):
    """What it means that recorded requests were not made."""

    ERROR = "error"
    IGNORE = "ignore"


class SessionFirst(TyperCommand):
    """``SESSION [OPTIONS] PROGRAM [ARGS…]``: the options stand between the two, and behind is the program's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the session behind the options, where the parser expects it."""
        if args and not args[0].startswith("-"):
            end = 1
            while end < len(args) and args[end].startswith("-") and args[end] != "--":
                end += 1 + self._takes_a_value(args[end])
            args = [*args[1:end], args[0], *args[end:]]
        return super().parse_args(ctx, args)

    def _takes_a_value(self, typed: str) -> bool:
        found = [each for each in self.params if typed in each.opts]
        return any(not getattr(each, "is_flag", False) for each in found)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's
        """Return how it is typed."""
        return ["SESSION|FILE", "[OPTIONS]", "PROGRAM|-m MODULE", "[ARGS]..."]


def replay(
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION|FILE",
            help="A session, the start of its id, `last`; or a vcrpy cassette, or a bundle.",
            autocompletion=known_ids,
        ),
    ],
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="A file, or with -m a module.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS…", help="The program's own.")] = None,
    *,
    module: Annotated[bool, typer.Option("-m", help="Run a module, as python -m does.")] = False,
    match: Annotated[Match, typer.Option("--match", help="How far requests may differ.")] = Match.ALIKE,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore", metavar="PLACE", help="What does not count: metadata.run_id. May be repeated."
        ),
    ] = None,
    on_miss: Annotated[
        OnMiss, typer.Option("--on-miss", help="What becomes of a request without an answer.")
    ] = OnMiss.ERROR,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="STEP", help="Play up to this step (2.3); the rest goes to the real API."
        ),
    ] = None,
    repeats: Annotated[bool, typer.Option("--repeats", help="Give the last answer again.")] = False,
    unplayed: Annotated[
        Unplayed, typer.Option("--unplayed", help="Whether all recorded requests must be made.")
    ] = Unplayed.ERROR,
    pace: Annotated[
        float, typer.Option("--pace", metavar="SHARE", min=0, help="Share of the recorded time to take.")
    ] = 0,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a program again, and give it what it was given when a session was recorded: offline, without a key.

    Every client in it is played and recorded, whoever makes it. It runs in a process of its own; its children are
    played too, each from the beginning. The last line, on stderr, tells how many requests were found, and how.

    With --json: {recording, played, count, exact, alike, nearest, live, differing, missed, unplayed, unread,
    placeholders, sessions, exit_status}, on stdout behind what the program prints.

    Exit codes: 0 all was played; 1 something missed or was left over, or the program failed; 2 it could not begin.
    """
    from tfclient.cli.finding import folder_of
    from tfclient.replaying.playback import replay as made
    from tfstore.errors import StoreError

    store = folder_of(store, "replay")
    options: dict[str, Any] = {
        "match": match.value,
        "ignore": ignore or [],
        "on_miss": on_miss.value,
        "until": until,
        "repeats": repeats,
        "unplayed": unplayed.value,
        "pace": pace,
        "store": None if store is None else str(Path(store).absolute()),
    }
    # Made here too: what cannot be played is said before the program runs.
    try:
        playback = made(session, **options)
    except StoreError as error:
        raise Refused(str(error), USAGE) from error
    _be_there(program, module=module)
    recording = playback.tape.session_id or str(Path(session).absolute())
    report, status = _run(
        [*(["-m"] if module else []), program, *(arguments or ())], recording, options, playback
    )
    left = [each.exchange_id for each in playback.unplayed if each.exchange_id not in report.played]
    if as_json:
        print_json(_json(recording, report, left, status))
    wrong = _tell(playback, report, left, unplayed, status)
    if wrong:
        raise typer.Exit(WRONG)


def _be_there(program: str, *, module: bool) -> None:
    if module:
        import importlib.util
        import sys

        sys.path.insert(0, str(Path.cwd()))
        try:
            found = importlib.util.find_spec(program.partition(".")[0]) is not None
        except ValueError:
            found = False
        finally:
            del sys.path[0]
        if not found:
            raise Refused(f"There is no module {program!r} to run.", USAGE)
    elif not Path(program).exists():
        raise Refused(f"There is no program at {program}.", USAGE)


def _run(
    command: list[str], recording: str, options: Mapping[str, Any], playback: Playback
) -> tuple[Report, int]:
    import subprocess
    import sys
    import tempfile

    from tfclient.replaying.reports import report_of

    with tempfile.TemporaryDirectory(prefix="tfclient-replay-") as folder:
        environ = _environ(recording, options, folder, goes_live=playback.goes_live)
        line = [sys.executable, "-c", "from tfclient.cli import main; main()", "run", *command]
        child = subprocess.Popen(line, env=environ)  # noqa: S603 - the user's own program
        while True:
            try:
                status = child.wait()
                break
            except KeyboardInterrupt:
                # The child hears it too, and decides.
                continue
        return report_of(Path(folder), playback.count), status


def _environ(recording: str, options: Mapping[str, Any], folder: str, *, goes_live: bool) -> dict[str, str]:
    import json

    from tfclient.playing import VARIABLE
    from tfclient.replaying.of_environment import OPTIONS, REPORTS
    from tfclient.settings import directory_to_read

    # Where the program records is where the recording is.
    directory = str(directory_to_read(options["store"]))
    environ = {**os.environ, "THOUGHTFLOW_DIR": directory, VARIABLE: recording, REPORTS: folder}
    environ[OPTIONS] = json.dumps({**options, "store": directory})
    if not goes_live:
        environ |= {name: environ.get(name) or _KEY for name in _KEYS}
    return environ


def _tell(playback: Playback, report: Report, left: list[str], unplayed: Unplayed, status: int) -> bool:
    """Say what became of it; return whether anything is wrong."""
    from tfclient.replaying.missing import not_all_played, not_all_read

    wrong = bool(report.missed) or status != 0
    for each in dict.fromkeys(report.missed):
        complain(each)
    # Who died before the first request has told why.
    died = status != 0 and not report.played
    if left and unplayed is Unplayed.ERROR and not report.live and not report.missed and not died:
        wrong = True
        rows = [each for each in playback.unplayed if each.exchange_id in set(left)]
        complain(str(not_all_played(playback.tape, rows, playback.count)))
    elif report.unread and unplayed is Unplayed.ERROR and not report.live and not report.missed and not died:
        wrong = True
        complain(str(not_all_read(report.unread)))
    if report.placeholders:
        shown = ", ".join(playback.tape.shown(each) for each in report.placeholders[:5])
        remark(f"Answers that hold placeholders of what was redacted: {shown}.")
    if status:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
        remark(f"The program {how}.")
    sessions = f" → session {', '.join(report.sessions)}" if report.sessions else ""
    remark(f"{report.told()}{sessions}")
    return wrong


def _json(recording: str, report: Report, left: list[str], status: int) -> dict[str, Any]:
    return {
        "recording": recording,
        "played": len(report.played),
        "count": report.count,
        **{how: report.ways[how] for how in ("exact", "alike", "nearest")},
        "live": report.live,
        "differing": list(report.places),
        "missed": report.missed,
        "unplayed": left,
        "unread": report.unread,
        "placeholders": report.placeholders,
        "sessions": list(report.sessions),
        "exit_status": status,
    }
