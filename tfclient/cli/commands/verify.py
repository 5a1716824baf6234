"""``tfclient verify``: whether journals are what was written, and what was changed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import bare_store, named_sessions
from tfclient.cli.options import JsonOption, StoreOption
from tfclient.cli.printing import print_json, stdout

if TYPE_CHECKING:
    from tfstore.keeping.problems import Kind
    from tfstore.keeping.verifying import Verdict

_NOT_READABLE = "no readable document"
_WORDS: dict[Kind, str] = {
    "unreadable": "unreadable",
    "no_document": _NOT_READABLE,
    "corrupt_document": _NOT_READABLE,
    "lost_document": _NOT_READABLE,
    "newer_document": _NOT_READABLE,
    "stale_document": "older than its journal",
    "lost_journal": "no journal",
}
"""What is wrong where nothing was changed; anything else was."""


def verify(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="These sessions.", show_default=False)
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All of them.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the hash chain of journals and compare the documents with them; exit 1 if anything was changed.

    Every entry holds the digest of the one before it. A change, a removal or an insertion breaks the chain there;
    at its very end, it disagrees with the document. The document is made again from its journal and compared to the
    byte: what was changed in it is named, of the session, its runs and its steps.

    With --json: {store, sessions: [{session_id, entries, sound, problems: [{kind, detail, session_id, path, writer,
    seq, mend}]}]}; kind and mend as in `tfclient doctor`.
    """
    from tfclient.finishing.rebuilding import verify as verify_session

    if bool(sessions) == everything:
        raise Refused("Name sessions, or --all for every one.", USAGE)
    opened = bare_store(store, "verify")
    ids = sorted({*opened.ids(), *opened.recorded()})
    verdicts: list[Verdict] = []
    for session_id in ids if everything else named_sessions(opened, sessions or [], ids):
        verdict = verify_session(opened, session_id)
        verdicts.append(verdict)
        if not as_json:
            _tell(verdict)
    if as_json:
        print_json({"store": str(opened.paths.root), "sessions": [_json(each) for each in verdicts]})
    if not all(each.sound for each in verdicts):
        raise typer.Exit(WRONG)


def _tell(verdict: Verdict) -> None:
    from rich.text import Text

    from tfstore.reading.figures import counted
    from tfstore.reading.plain_text import clean

    console = stdout()
    first = verdict.first
    word, style = ("sound", "green") if first is None else (_WORDS.get(first.kind, "changed"), "bold red")
    line = Text.assemble(f"{verdict.session_id}  ", (word, style), f"  {counted(verdict.entries, 'line')}")
    for each in verdict.problems:
        line.append(f"\n  {clean(each.detail)}", style if each is first else "dim")
    if any(each.mend == "rebuild" for each in verdict.problems):
        line.append(
            f"\n  `tfclient rebuild {verdict.session_id}` makes it anew, and keeps this one beside it.", "dim"
        )
    console.print(line, soft_wrap=True)


def _json(verdict: Verdict) -> dict[str, Any]:
    return {
        "session_id": verdict.session_id,
        "entries": verdict.entries,
        "sound": verdict.sound,
        "problems": [each.as_json() for each in verdict.problems],
    }
