"""``tfclient why``: how a session came to fail, and why any run or step of it is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.finding import notes_on, open_store
from tfclient.cli.options import JsonOption, StoreOption, known_ids, known_steps
from tfclient.cli.places import Place, place_of
from tfclient.cli.printing import complain, print_json, print_lines, stdout
from tfstore.meant import LAST

if TYPE_CHECKING:
    from tfclient.reflect.findings import Examined
    from tfstore.document.notes import Note
    from tfstore.protocols import Reading
    from tfstore.reading.evidence.evidence import Evidence


def why(
    session: Annotated[
        str,
        typer.Argument(
            metavar="[ID|last]",
            show_default=False,
            help="A session, or a run or a step of it: last, 7f3a:2, last:2.8; the latest if none is given.",
            autocompletion=known_ids,
        ),
    ] = LAST,
    part: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|STEP]",
            help="The run or the step: 2, run_2, 2.8, step_2_8.",
            autocompletion=known_steps,
        ),
    ] = None,
    *,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how a session came to fail: where it broke, what led there, what the model knew and what not.

    Then what is wrong for certain or very likely, as `tfclient findings` says it, and what is remarkable: calls made
    twice, answers nobody used, slow steps, how the context grew. What people noted stands on top.

    Of a run or a step, also one that went well: what the model no longer knew and was not told, which values come from
    none of what it was sent, which outputs and prompts the others come from, and what it had before it; of a tool call
    who asked for it, what came back, and who used that; of a run the prompts that led to it.

    With --json: {session_id, result, program, failures: [{run_id, status, step_id, error, chain, told, not_told,
    unanswered}], tool_errors, retries, unanswered, unused, repeated, slowest, context, findings, notes}, steps by their
    ids; findings as those of `tfclient findings`, notes as those of `tfclient note --list`. Of a run or a step:
    {session_id, run_id, step_id, is, end, chain, model_call, had: {fixed, history, new, unknown}, not_told: [{step_id,
    why, by}], no_longer: {step_ids, since}, said: [{step_id, from: [{text, kind, argument, sources: [{step_id, exact}],
    more}], whole}], tool: {step_id, asked_by, answers, used_by, same_before, same_answer}, carried_by, not_looked_at,
    findings, notes}.
    """
    from tfclient.reflect.findings import examine
    from tfstore.reading.evidence.evidence import evidence_of

    opened = open_store(store)
    place = place_of(opened, session, part)
    evidence = evidence_of(place.session)
    examined = examine(evidence)
    notes = notes_on(opened, place.session.session_id)
    if place.run is None and place.step is None:
        _of_session(evidence, examined, notes, as_json=as_json)
    else:
        _of_part(opened, place, evidence, examined, notes, as_json=as_json)
    for trouble in examined.troubles:
        complain(trouble, "yellow")


def _of_session(evidence: Evidence, examined: Examined, notes: list[Note], *, as_json: bool) -> None:
    from tfclient.cli.lines.telling import telling
    from tfstore.reading.failures import story_of

    story = story_of(evidence.session)
    if as_json:
        told = {**story.as_json(), "findings": [each.as_json() for each in examined.findings]}
        print_json({**told, "notes": [each.as_json() for each in notes]})
        return
    console = stdout()
    ascii_only = console.options.ascii_only
    print_lines(telling(story, console.width, examined.findings, notes, ascii_only=ascii_only), console)


def _of_part(
    store: Reading, place: Place, evidence: Evidence, examined: Examined, notes: list[Note], *, as_json: bool
) -> None:
    from tfclient.cli.lines.explaining import explaining
    from tfclient.reflect.findings.about import about_steps
    from tfstore.reading.explaining.explain import explain_run, explain_step
    from tfstore.reading.noted import on_run, on_step

    facts, get = evidence.facts, store.blobs.get
    if place.step is not None:
        # By itself and not by its id: a document may have one twice.
        own = next(each for each in facts.every if each.step is place.step)
        explained = explain_step(evidence, own, get)
    else:
        explained = explain_run(evidence, next(each for each in facts.runs if each.run is place.run), get)
    findings = about_steps(examined.findings, explained.rests_on)
    step = None if explained.own is None else explained.own.step
    about = on_run(notes, explained.run.run.run_id) if step is None else on_step(notes, step.step_id)
    if as_json:
        told = {"session_id": place.session.session_id, **explained.as_json()}
        told["findings"] = [each.as_json() for each in findings]
        print_json({**told, "notes": [each.as_json() for each in about]})
        return
    console = stdout()
    print_lines(explaining(place.session, explained, findings, console.width, about), console)
