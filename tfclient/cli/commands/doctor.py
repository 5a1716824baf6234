"""``tfclient doctor``: what is wrong in a store, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tfclient.cli.failures import WRONG
from tfclient.cli.finding import bare_store
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import print_json, say, stderr, stdout

if TYPE_CHECKING:
    from tfclient.finishing.mending import Mended
    from tfstore.keeping.problems import Problem

_MENDS: Final = {
    "recover": "`tfclient recover` mends this, and so does `tfclient doctor --fix`",
    "rebuild": "`tfclient rebuild` with the id mends this, and so does `tfclient doctor --fix`",
    "fix": "`tfclient doctor --fix` mends this",
    "delete": "if it was to go, `tfclient delete` with the whole id ends that",
    "move": "move it away, then ask `tfclient doctor` again",
    "send": "`tfclient export --pending --again` tries it again, `tfclient sync` with the database does so each time",
    "none": "what is lost cannot be brought back; the rest is readable",
}


def doctor(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look through a store and say what is wrong; exit 1 if anything is.

    Journals are read too: duplicates, gaps, entries out of order, and drift, which is model responses in a journal
    that its document does not show. --fix ends what dead programs left, makes documents again that were changed, lag
    behind or cannot be read, archives journals, and has the index made anew. What a receiver or a database did not take
    is told too.

    With --json: {store, sessions, problems: [{kind, detail, session_id, path, writer, seq, mend}], repaired}; mend is
    "recover", "rebuild", "fix", "delete", "move", "send" or "none", repaired counts what --fix did.
    """
    from tfclient.finishing.mending import examine_store, mend
    from tfstore.reading.figures import counted

    opened = bare_store(store, "doctor")
    with stderr().status("Looking through the store …"):
        repaired = mend(opened) if fix else None
        problems = list(examine_store(opened))
    sessions = len(opened.ids())
    if as_json:
        print_json(
            {
                "store": str(opened.paths.root),
                "sessions": sessions,
                "problems": [each.as_json() for each in problems],
                "repaired": _counts(repaired) if repaired else None,
            }
        )
    else:
        if repaired:
            say(_repairs(repaired))
        _print(problems)
        where = f"{counted(sessions, 'session')} in {opened.paths.root}"
        say(f"{where}: {counted(len(problems), 'problem')}." if problems else f"{where}: nothing is wrong.")
    if problems:
        raise typer.Exit(WRONG)


def _print(problems: list[Problem]) -> None:
    from rich.text import Text

    from tfstore.reading.plain_text import clean

    console = stdout()
    for mend, words in _MENDS.items():
        for each in (each for each in problems if each.mend == mend):
            place = "" if each.path is None or str(each.path) in each.detail else f"{each.path}: "
            line = Text.assemble((each.kind.replace("_", " "), "bold red"), ": ", clean(place + each.detail))
            console.print(line.append(f"\n  {words}", "dim"), soft_wrap=True)


def _counts(repair: Mended) -> dict[str, int]:
    from attrs import asdict

    return asdict(repair)


def _repairs(repair: Mended) -> str:
    done = [f"{name.replace('_', ' ')}: {count}" for name, count in _counts(repair).items() if count]
    return f"Mended. {', '.join(done)}." if done else "There was nothing to mend."
