"""``tfclient diff``: what is different between two sessions, two runs, or the prompts of two model calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import open_store
from tfclient.cli.options import JsonOption, StoreOption, known_ids
from tfclient.cli.places import Place, place_of
from tfclient.cli.printing import print_json, print_lines, stdout

if TYPE_CHECKING:
    from tfstore.document.documents import Run
    from tfstore.reading.explaining.prompt_pairs import PromptPair

_Side = Annotated[
    str,
    typer.Argument(
        metavar="ID[:RUN|:STEP]",
        help="A session, one run of it, or a step: last, last:2, 7f3a:run_2, last:2.4.",
        autocompletion=known_ids,
    ),
]


def diff(before: _Side, after: _Side, *, store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show what changed from one session, run or model call to another: the changes only.

    Runs are aligned by prompt, steps by what they are. Compared are prompts, instructions, tools, arguments,
    outputs, answers, models, parameters, attempts and tokens; durations when they differ by half or more. Of two runs
    also what their first model calls were given; of two steps what was given to the model calls that they belong to.

    With --json: {before, after, runs: [{before, after, changes, steps: [{before, after, label, changes}]}]};
    a change is {field, before, after}, and null stands for what is on one side only. Of two runs and of two steps also
    prompts: {before, after, changes, messages: [{before, after, label, changes}]}, null where a run made no model call.
    """
    from tfclient.cli.lines.differences import differences
    from tfclient.cli.lines.prompt_differences import prompt_differences
    from tfstore.reading.comparison import aligned_runs

    opened = open_store(store)
    old, new = place_of(opened, before), place_of(opened, after)
    of_steps = old.step is not None
    if of_steps != (new.step is not None):
        reason = (
            f"{before!r} and {after!r} are a step and no step: give two of a kind, as last:2.4 and last:3.1."
        )
        raise Refused(reason, USAGE)
    prompts = _prompts(old, new) if of_steps or (old.run is not None and new.run is not None) else None
    pairs = [] if of_steps else aligned_runs(_runs(old), _runs(new))
    if as_json:
        told = {"before": old.session.session_id, "after": new.session.session_id}
        runs = {} if of_steps else {"runs": [pair.as_json() for pair in pairs if pair.differs]}
        parts = {"prompts": prompts.as_json() if prompts is not None else None}
        with_parts = of_steps or (old.run is not None and new.run is not None)
        print_json({**told, **runs, **(parts if with_parts else {})})
        return
    width = stdout().width
    if not of_steps:
        print_lines(differences(old.session, new.session, pairs, width))
    if prompts is not None:
        print_lines(prompt_differences(old.session, new.session, prompts, width))


def _runs(place: Place) -> list[Run]:
    return [place.run] if place.run is not None else place.session.runs


def _prompts(before: Place, after: Place) -> PromptPair | None:
    """Return the prompts of the model calls that are meant; None where a run made none.

    Raises:
        Refused: a step belongs to no model call.
    """
    from tfstore.reading.evidence.evidence import evidence_of
    from tfstore.reading.explaining.prompt_pairs import asking_call, first_call, prompt_pair

    sides = []
    for place in (before, after):
        evidence = evidence_of(place.session)
        if place.step is not None:
            own = next(each for each in evidence.facts.every if each.step is place.step)
            call = asking_call(evidence, own)
            if call is None:
                reason = f"{own.step.step_id} in session {place.session.session_id} belongs to no model call."
                raise Refused(f"{reason} `tfclient show` lists its steps: give one that does.", USAGE)
        else:
            call = first_call(next(each for each in evidence.facts.runs if each.run is place.run))
        if call is None:
            return None
        sides.append((evidence.facts, call))
    return prompt_pair(*sides)
