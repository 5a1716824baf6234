"""``tfclient verify``: whether journals are what was written, and what was changed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from tfstore.keeping.verifying import Fault, Verdict

_WORDS: dict[Fault, str] = {
    "unreadable": "unreadable",
    "no_document": "no readable document",
    "no_journal": "no journal",
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
    at its very end, it disagrees with the document. A step that was changed in the document is named.

    With --json: {store, sessions: [{session_id, entries, sound, flaws: [{fault, detail, writer, seq}]}]}.
    """
    from tfclient.cli.failures import USAGE, WRONG, Refused
    from tfclient.cli.finding import bare_store, find_session
    from tfclient.cli.printing import print_json
    from tfclient.finishing.comparing import verified

    if bool(sessions) == everything:
        raise Refused("Name sessions, or --all for every one.", USAGE)
    opened = bare_store(store)
    ids = sorted({*opened.ids(), *opened.recorded()})
    if not everything:
        known = set(ids)
        ids = [each if each in known else find_session(opened, each) for each in sessions or []]
    verdicts: list[Verdict] = []
    for session_id in dict.fromkeys(ids):
        verdict = verified(opened, session_id)
        verdicts.append(verdict)
        if not as_json:
            _tell(verdict)
    if as_json:
        print_json({"store": str(opened.paths.root), "sessions": [_json(each) for each in verdicts]})
    if not all(each.sound for each in verdicts):
        raise typer.Exit(WRONG)


def _tell(verdict: Verdict) -> None:
    from rich.text import Text

    from tfclient.cli.printing import stdout
    from tfstore.reading.figures import counted
    from tfstore.reading.plain_text import clean

    console = stdout()
    first = verdict.first
    word, style = ("sound", "green") if first is None else (_WORDS.get(first.fault, "changed"), "bold red")
    line = Text.assemble(f"{verdict.session_id}  ", (word, style), f"  {counted(verdict.entries, 'line')}")
    for flaw in verdict.flaws:
        line.append(f"\n  {clean(flaw.detail)}", style if flaw is verdict.first else "dim")
    console.print(line, soft_wrap=True)


def _json(verdict: Verdict) -> dict[str, Any]:
    from attrs import asdict

    return {**asdict(verdict), "sound": verdict.sound}
