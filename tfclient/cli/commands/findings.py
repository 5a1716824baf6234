"""``tfclient findings``: what is wrong with a session for certain, or very likely, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import ONE_SESSION, JsonOption, StoreOption
from tfclient.cli.printing import complain, print_json, print_lines, remark, stdout
from tfstore.meant import LAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.reflect.findings import Examined
    from tfstore.document.documents import Session
    from tfstore.protocols import Reading


def findings(
    session: Annotated[str | None, ONE_SESSION] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All sessions of the store.")] = False,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="Only this kind, also one that is off; several times for several."
        ),
    ] = None,
    severity: Annotated[
        str | None,
        typer.Option(
            "--severity", metavar="WORD", help="Only of this severity and worse: high, medium, low."
        ),
    ] = None,
    writes: Annotated[
        list[str] | None, typer.Option("--writes", metavar="TOOL", help="This tool changes something.")
    ] = None,
    reads: Annotated[
        list[str] | None, typer.Option("--reads", metavar="TOOL", help="This tool changes nothing.")
    ] = None,
    own: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="FILE", help="A Python file that defines kinds of your own with @finding."
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with a session, each with the steps that it rests on; exit 1 if something is of severity high.

    What is marked ~ is a guess from names or words, everything else was observed. `info` is no fault, or of a kind
    that is on trial. A kind of your own that takes more than ten seconds for a session is given up.

    With --json: {session_id, findings: [{id, kind, severity, certainty, run_id, steps, says, data}], not_looked_for};
    with --all a list of these.
    """
    from tfclient.cli.limited import limited, load
    from tfclient.reflect.findings import examine

    if everything and session is not None:
        raise Refused("Give a session or --all, not both.", USAGE)
    for path in own or ():
        load(path)
    _known(kind or (), severity)
    opened = open_store(store)
    told: list[tuple[Session, Examined]] = []
    unreadable: list[str] = []
    for each in _sessions(opened, session, unreadable, everything=everything):
        examined = examine(each, kind, None, writes or (), reads or (), limited)
        told.append((each, _only(examined, severity)))
    if as_json:
        rows = [_json(each, examined) for each, examined in told]
        print_json(rows if everything else rows[0])
    else:
        _print(told, everything=everything)
    for trouble in dict.fromkeys(each for _, examined in told for each in examined.troubles):
        complain(trouble, "yellow")
    for trouble in unreadable:
        complain(trouble)
    if unreadable or any(examined.worst == "high" for _, examined in told):
        raise typer.Exit(WRONG)


def _known(kinds: list[str] | tuple[()], severity: str | None) -> None:
    from tfclient.reflect.findings import kinds as known
    from tfclient.reflect.findings.citing import SEVERITIES
    from tfstore.reading.naming import near

    for each in kinds:
        if each not in known():
            close = ", ".join(near(each, list(known())))
            hint = f"did you mean {close}?" if close else f"give one of {', '.join(known())}."
            raise Refused(f"There is no kind of finding {each!r}: {hint}", USAGE)
    if severity is not None and severity not in SEVERITIES:
        raise Refused(f"--severity {severity!r} is unknown: give one of {', '.join(SEVERITIES)}.", USAGE)


def _sessions(
    store: Reading, typed: str | None, unreadable: list[str], *, everything: bool
) -> Iterator[Session]:
    from tfstore.errors import StoreError

    if not everything:
        yield store.get(shown_session(store, LAST if typed is None else typed))
        return
    for row in store.list():
        try:
            yield store.get(row.session_id)
        except StoreError as error:
            unreadable.append(str(error))
    unreadable.extend(each for each in store.skipped.values() if each not in unreadable)


def _only(examined: Examined, severity: str | None) -> Examined:
    from attrs import evolve

    from tfclient.reflect.findings.citing import SEVERITIES

    if severity is None:
        return examined
    wanted = SEVERITIES[: [*SEVERITIES].index(severity) + 1]  # type: ignore[arg-type]
    return evolve(examined, findings=[each for each in examined.findings if each.severity in wanted])


def _json(session: Session, examined: Examined) -> dict[str, object]:
    return {
        "session_id": session.session_id,
        "findings": [each.as_json() for each in examined.findings],
        "not_looked_for": examined.troubles,
    }


def _print(told: list[tuple[Session, Examined]], *, everything: bool) -> None:
    from rich.text import Text

    from tfclient.cli.lines.found import found
    from tfclient.cli.lines.heading import heading
    from tfd2.columns import one_line
    from tfstore.reading.naming import short_id

    console = stdout()
    any_found = False
    for session, examined in told:
        if everything and not examined.findings:
            continue
        if everything:
            if any_found:
                console.print()
            name = short_id(session.session_id)
            title = one_line(session.title, max(console.width - len(name) - 1, 10)) or "(no prompt)"
            print_lines([Text.assemble((name, "bold"), f" {title}")], console)
        else:
            print_lines(heading(session, console.width), console)
            console.print()
        any_found = any_found or bool(examined.findings)
        print_lines(found(examined.findings, console.width), console)
    if not any_found:
        remark("Nothing is wrong that can be told for certain.")
