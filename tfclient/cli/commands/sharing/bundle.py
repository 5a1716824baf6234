"""``tfclient bundle``: a session as one file, to attach to a bug report or to play again elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.commands.sharing.raw_beside import RawOption, lay_raw_beside, look_at_raw
from tfclient.cli.commands.sharing.targets import ForceOption, target_of, writing
from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import disk_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, say, stdout
from tfstore.meant import LAST

if TYPE_CHECKING:
    from collections import Counter

    from tfclient.export.bundle import Bundle
    from tfclient.export.derived import Asked


def bundle(
    session: SessionArgument = LAST,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to; else ID.tfbundle here.", show_default=False
        ),
    ] = None,
    redact: Annotated[
        str | None,
        typer.Option(
            "--redact",
            metavar="paths,emails,content",
            help="Replace these too, in a journal made anew: file paths, e-mail addresses, all texts by hashes.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be in it.")] = False,
    force: ForceOption = False,
    raw: RawOption = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a session as a bundle: document, diagram, journal, and its page, in one zip file.

    It says what is in it before it is written: which values were replaced by which rule, and what no rule looks for.
    Look at that before you pass it on. `tfclient open FILE` looks into one.

    With --json: {session_id, path, bytes, files: [{name, bytes, sha256}], redaction: {recorded_with, mode,
    when_recorded, now, no_rule_looks_for, not_looked_at}, derived_from, replay: {level, why}, left_out, problems};
    when_recorded and now count the values replaced by each rule, level is exact, placeholders or no.
    """
    from attrs import asdict

    from tfclient.export.bundle import bundled

    asked = asked_for(redact)
    opened = disk_store(store, "bundle")
    session_id = shown_session(opened, session)
    look_at_raw(opened, [session_id], output, asked=raw)
    name = f"{session_id}.tfbundle"
    target = None if dry_run else target_of(output, name, force=force)
    with bundled(opened, session_id, asked) as made:
        if not as_json:
            _tell(made)
        size = None
        if target is not None:
            with writing(target):
                size = made.write(target)
            if raw:
                lay_raw_beside(opened, [session_id], target)
    if as_json:
        told: dict[str, Any] = {"session_id": session_id, "path": None if target is None else str(target)}
        problems = [each.as_json() for each in made.problems]
        files = [asdict(each) for each in made.files]
        told |= {"bytes": size, "files": files, **made.told, "problems": problems}
        told.pop("made_by")
        print_json(told)
    elif target is not None:
        say(str(target))


def asked_for(typed: str | None) -> list[Asked]:
    """Return what is to be replaced.

    Raises:
        Refused: there is no such rule.
    """
    from tfclient.export.derived import ASKED

    names = [each.strip() for each in (typed or "").split(",") if each.strip()]
    for name in names:
        if name not in ASKED:
            raise Refused(f"--redact {name!r} is unknown: give some of {', '.join(ASKED)}.", USAGE)
    if typed is not None and not names:
        raise Refused(f"--redact names nothing: give some of {', '.join(ASKED)}.", USAGE)
    return [each for each in ASKED if each in names]


def _tell(made: Bundle) -> None:
    from rich.text import Text

    from tfstore.reading.figures import size
    from tfstore.reading.plain_text import clean

    console = stdout()

    def row(head: str, text: str, style: str = "") -> None:
        console.print(Text.assemble((f"{head:<14}", "dim"), (clean(text), style)), soft_wrap=True)

    title = made.session.title
    row("session", made.session.session_id + (f"  {title[:80]}" if title else ""))
    for each in made.files:
        row("", f"{each.name}  {size(each.bytes)}")
    for name, why in made.left_out.items():
        row("left out", f"{name}: {why}", "yellow")
    row("replaced", f"{_counts(made.recorded)} when it was recorded (redact={made.recorded_with!r})")
    if made.derived is not None:
        head = made.derived.derived_from["head"][:12]
        row(
            "",
            f"{_counts(made.replaced)} now; its journal is made anew, derived from that which ends in {head}…",
        )
        if made.derived.not_looked_at:
            row(
                "",
                f"{made.derived.not_looked_at:,} of its bodies are no text: nothing was looked for in them",
                "yellow",
            )
    row("no rule for", "; ".join(made.no_rule), "yellow")
    row("replay", f"{made.replay.level}: {made.replay.why}")
    for problem in made.problems:
        row("not sound" if not problem.harmless else "note", problem.detail, "yellow")


def _counts(counts: Counter[str]) -> str:
    if not counts:
        return "nothing"
    return ", ".join(f"{count:,} {rule}" for rule, count in sorted(counts.items()))
