"""``tfclient show``: a session to read: its tree, one step of it in full or as it was sent, or what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import disk_store, notes_on, open_store, pins_on, shown_session
from tfclient.cli.options import (
    CostOption,
    JsonOption,
    PricesOption,
    RunOption,
    SessionArgument,
    StoreOption,
    known_steps,
    price_of,
)
from tfclient.cli.printing import complain, print_json, print_lines, stdout
from tfstore.meant import LAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from tfstore.document.documents import Run, Session, Step
    from tfstore.document.notes import Note
    from tfstore.document.pins import Pin
    from tfstore.reading.calls.costs import Cost, Price


def show(
    session: SessionArgument = LAST,
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="[STEP]",
            help="One step in full, as with --step.",
            show_default=False,
            autocompletion=known_steps,
        ),
    ] = None,
    *,
    run: RunOption = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            metavar="ID",
            help="One step in full: step_1_4, or 1.4.",
            show_default=False,
            autocompletion=known_steps,
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Texts, arguments and outputs whole, and each round of a loop.")
    ] = False,
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Only what user and assistant said.")
    ] = False,
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            metavar="transcript|display|full",
            help="Step by step, texts whole: what was said; also tools, reasoning and errors; all, with payloads.",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt",
            metavar="STEP",
            help="A model call's prompt, as the model saw it.",
            show_default=False,
            autocompletion=known_steps,
        ),
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option(
            "--raw",
            metavar="STEP",
            help="Request and response of its call, as recorded.",
            show_default=False,
            autocompletion=known_steps,
        ),
    ] = None,
    cost: CostOption = False,
    prices: PricesOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session: its runs and steps, what they took, what went wrong, and what was noted on it.

    With --cost or --prices also what its model calls cost, or the one step. Documents hold no prices: as data, costs
    come from `tfclient list` and `tfclient stats`.

    With --json: the session document; with --run or --step that part of it; with --transcript
    [{step_id, run_id, role, text, at}]; with --mode [{session_id, run_id, step_id, seq, label, type, status, at, text,
    tool_name, call_id, error_class}], in full also payload; with --prompt {step_id, instructions, tools,
    previous_response_id, items, request}, items and request as they were sent; with --raw the journal's entries, [{seq,
    at, type, …}].
    """
    from tfclient.cli.lines.details import details
    from tfclient.cli.lines.prompt import as_json as prompt_json
    from tfclient.cli.lines.prompt import prompt_for, prompt_lines
    from tfclient.cli.lines.raw import raw_entries, raw_lines
    from tfclient.cli.lines.transcript import transcript_of
    from tfstore.document.converter import step_to_json
    from tfstore.reading.messages import messages
    from tfstore.reading.naming import find_run, find_step

    if place is not None and step is not None:
        raise Refused(f"Both {place!r} and --step {step!r} name a step: give one of them.", USAGE)
    step = place if step is None else step
    _refuse_two_at_once(
        {"--step": step, "--prompt": prompt, "--raw": raw},
        others=full or transcript or mode is not None or run is not None,
    )
    _refuse_two_ways(mode, full=full, transcript=transcript, others=run is not None)
    price = price_of(cost=cost, prices=prices)
    if price is not None and as_json:
        raise Refused(
            "A document holds no prices: `tfclient list --cost --json` has what sessions cost.", USAGE
        )
    opened = open_store(store) if raw is None else disk_store(store, "show --raw")
    found = opened.get(shown_session(opened, session))
    runs = found.runs if run is None else [find_run(found, run)]
    width = stdout().width
    value: Any
    if step is not None:
        wanted = find_step(found, step)
        notes = [] if as_json else notes_on(opened, found.session_id)
        value, lines = (
            step_to_json(wanted),
            details(opened, found, wanted, width, notes, _cost([wanted], price)),
        )
    elif prompt is not None:
        wanted = find_step(found, prompt)
        whole = prompt_for(opened, found, wanted)
        value, lines = prompt_json(whole), prompt_lines(found, wanted, whole, width)
    elif raw is not None:
        entries, report = disk_store(store, "show --raw").journal(found.session_id)
        for _, reason in report.unreadable[:1]:
            complain(f"What is shown may not be all of it. {reason}", "yellow")
        value = raw_entries(entries, found, find_step(found, raw))
        lines = raw_lines(entries, value, width)
    elif mode is not None:
        value, lines = _by_mode(found, mode, width)
    elif transcript:
        value, lines = [message.as_json() for message in messages(runs)], transcript_of(runs, width)
    elif as_json:
        print_json(_json(found, None if run is None else runs[0]))
        return
    else:
        steps = [each for one in runs for each in one.steps]
        notes = notes_on(opened, found.session_id)
        pins = pins_on(opened, found.session_id)
        print_tree(found, runs, full=full, notes=notes, cost=_cost(steps, price), pins=pins)
        return
    if as_json:
        print_json(value)
    else:
        print_lines(lines)


def _refuse_two_at_once(of_a_step: dict[str, str | None], *, others: bool) -> None:
    given = [option for option, typed in of_a_step.items() if typed is not None]
    if len(given) > 1 or (given and others):
        reason = f"{given[0]} shows one step in full: leave out --run, --full, --transcript and the like."
        raise Refused(reason, USAGE)


def _refuse_two_ways(mode: str | None, *, full: bool, transcript: bool, others: bool) -> None:
    from tfstore.reading.messages import MODES

    if full and transcript:
        raise Refused("--transcript shows texts whole: leave out --full.", USAGE)
    if mode is None:
        return
    if mode not in MODES:
        raise Refused(f"--mode {mode!r} is unknown: give one of {', '.join(MODES)}.", USAGE)
    if full or transcript or others:
        raise Refused("--mode shows a session step by step: leave out --run, --full, --transcript.", USAGE)


def _by_mode(session: Session, mode: str, width: int) -> tuple[list[dict[str, Any]], Iterator[Text]]:
    from tfclient.cli.lines.events import event_lines
    from tfstore.reading.messages import events_of

    shown = list(events_of(session, mode))  # type: ignore[arg-type]  # it was looked at
    return [each.as_json() for each in shown], event_lines(session, shown, width)


def _json(session: Session, run: Run | None) -> object:
    from tfstore.document.converter import to_json

    document = to_json(session)
    if run is None:
        return document
    return next(each for each in document["runs"] if each["run_id"] == run.run_id)


def _cost(steps: list[Step], price: Price | None) -> Cost | None:
    from tfstore.reading.calls.costs import cost_of

    return None if price is None else cost_of(steps, price)


def print_tree(
    session: Session,
    runs: list[Run],
    *,
    full: bool = False,
    notes: Sequence[Note] = (),
    cost: Cost | None = None,
    pins: Sequence[Pin] = (),
) -> None:
    """Print these runs of a session below its heading."""
    from tfclient.cli.lines.heading import heading
    from tfclient.cli.lines.tree import ASCII, Guides, Look, tree
    from tfstore.reading.facts import gather

    console = stdout()
    guides = ASCII if console.options.ascii_only else Guides()
    look = Look(console.width, full, guides, folded=not full)
    facts = gather(session)
    wanted = [each for each in facts.runs if any(each.run is run for run in runs)]
    print_lines(heading(session, look.width, notes, cost, pins), console)
    print_lines(tree(facts, wanted, look, notes), console)
    if not facts.runs:
        console.print("It has no runs.", style="dim")
