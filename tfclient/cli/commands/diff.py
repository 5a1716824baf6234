"""``tfclient diff``: what is different between two sessions, or two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.printing import print_json, print_lines, stdout

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Session
    from tfstore.store import Store

_Side = Annotated[
    str,
    typer.Argument(
        metavar="ID[:RUN]", help="A session, or one run of it: last:2, 7f3a:run_2.", autocompletion=known_ids
    ),
]


def diff(before: _Side, after: _Side, *, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show what changed from one session to another, or from one run to another: the changes only.

    Runs are aligned by prompt, steps by what they are. Compared are prompts, instructions, tools, arguments,
    outputs, answers, models, parameters, attempts and tokens; durations when they differ by half or more.

    With --json: {before, after, runs: [{before, after, changes, steps: [{before, after, label, changes}]}]};
    a change is {field, before, after}, and null stands for what is on one side only.
    """
    from tfclient.cli.lines.differences import differences
    from tfstore.reading.comparison import aligned_runs

    opened = open_store(store)
    (old, old_runs), (new, new_runs) = _side(opened, before), _side(opened, after)
    pairs = aligned_runs(old_runs, new_runs)
    if as_json:
        runs = [pair.as_json() for pair in pairs if pair.differs]
        print_json({"before": old.session_id, "after": new.session_id, "runs": runs})
    else:
        print_lines(differences(old, new, pairs, stdout().width))


def _side(store: Store, typed: str) -> tuple[Session, list[Run]]:
    """Return a session and those of its runs that are meant.

    Raises:
        Refused: what stands behind the colon is no run.
    """
    from tfstore.reading.naming import find_run

    name, colon, run = typed.partition(":")
    session = store.get(shown_session(store, name))
    if not colon:
        return session, session.runs
    number = run.removeprefix("run_")
    if not number.isdecimal():
        raise Refused(f"{typed!r} names no run: write {name}:2, or {name}:run_2.", USAGE)
    return session, [find_run(session, int(number))]
