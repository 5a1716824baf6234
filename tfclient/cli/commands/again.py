"""``tfclient again``: one recorded request, changed, sent again, told as what changed of it and of its answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfclient.cli.failures import USAGE, WRONG, Refused
from tfclient.cli.finding import disk_store
from tfclient.cli.options import JsonOption, StoreOption, known_ids, known_models, known_steps
from tfclient.cli.places import place_of
from tfclient.cli.printing import complain, print_json, print_lines, remark, stdout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from tfclient.cli.places import Place
    from tfclient.replaying.again import Asked
    from tfstore.document.documents import Session, Step
    from tfstore.reading.comparison import StepPair
    from tfstore.store import Store


def again(
    session: Annotated[
        str, typer.Argument(metavar="ID", help="A session, or `last`.", autocompletion=known_ids)
    ],
    step: Annotated[
        str,
        typer.Argument(
            metavar="STEP",
            help="A model call of it, or a step of its answer: 2.3.",
            autocompletion=known_steps,
        ),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Another model.", autocompletion=known_models),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=JSON",
            help="Another value: temperature=0, input[0].content=Hi. May be repeated.",
        ),
    ] = None,
    prompt_file: Annotated[
        Path | None,
        typer.Option("--prompt-file", metavar="FILE", help="Another text of what the user says last."),
    ] = None,
    times: Annotated[
        int, typer.Option("-n", metavar="TIMES", min=1, max=100, help="How often to send it.")
    ] = 1,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one recorded request again, to the API that it was sent to, and show what is different of it and its answer.

    No program and no tools run. It needs OPENAI_API_KEY (AZURE_OPENAI_API_KEY for Azure), and a server that still has
    the response that it goes on from, if it does. Each time is a session of its own.

    With --json: {before, request: [{place, before, after}], again: [{session_id, step_id, error, changes: [{before,
    after, label, changes}]}]}.
    """
    import os

    from tfclient.client import TracedOpenAI
    from tfclient.recorder import Recorder
    from tfclient.replaying.again import credentials, send

    opened = disk_store(store, "again")
    asked, place = _asked(opened, session, step, model, sets or [], prompt_file)
    if not any(os.environ.get(name) for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")):
        raise Refused("This sends a request to the API: set OPENAI_API_KEY.", USAGE)
    if asked.has_placeholders:
        remark("Something in the request was redacted when it was recorded, and is sent as its placeholder.")
    recorder = Recorder(opened.paths.root, enabled=True)
    rows: list[dict[str, Any]] = []
    if not as_json:
        print_lines(_request_lines(asked, place))
    for _ in range(times):
        client = TracedOpenAI(recorder=recorder, **credentials(asked))
        session_id, error = send(asked, client, f"{place.session.title} (again {asked.step_id})")
        made = opened.get(session_id)
        pairs = _answers(place.session, asked.step_id, made)
        rows.append(_row(made, pairs, error))
        if not as_json:
            print_lines(_answer_lines(made, pairs, stdout().width))
        if error is not None:
            complain(f"{type(error).__name__}: {error}")
    if as_json:
        changes = [
            {"place": each.where, "before": _plain(each.recorded), "after": _plain(each.asked)}
            for each in asked.changes
        ]
        before = {"session_id": place.session.session_id, "step_id": asked.step_id}
        print_json({"before": before, "request": changes, "again": rows})
    if any(row["error"] for row in rows):
        raise typer.Exit(WRONG)


def _asked(
    opened: Store, session: str, step: str, model: str | None, sets: list[str], prompt_file: Path | None
) -> tuple[Asked, Place]:
    from tfclient.replaying.again import asked_in, split
    from tfclient.replaying.tape_of_session import tape_of_session
    from tfstore.reading.evidence.evidence import evidence_of
    from tfstore.reading.explaining.prompt_pairs import asking_call

    place = place_of(opened, session, step)
    if place.step is None:
        raise Refused(
            f"{step!r} is no step: give a model call, as 2.3. `tfclient show {session}` lists them.", USAGE
        )
    evidence = evidence_of(place.session)
    call = asking_call(evidence, next(each for each in evidence.facts.every if each.step is place.step))
    if call is None:
        raise Refused(f"{place.step.step_id} belongs to no model call: give one that does.", USAGE)
    asked = asked_in(tape_of_session(opened, place.session.session_id), call.step.step_id)
    for typed in sets:
        asked = asked.with_value(*split(typed))
    if model is not None:
        asked = asked.with_value("model", model)
    if prompt_file is not None:
        asked = asked.with_prompt(_text_of(prompt_file))
    return asked, place


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"{path} cannot be read ({error.strerror or error}): name another file.", USAGE
        ) from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} cannot be read (it is no text in UTF-8): name another file.", USAGE) from error


def _answers(before: Session, step_id: str, after: Session) -> list[StepPair]:
    """Return the model call and the steps of its answer beside those of the new one."""
    from attrs import evolve

    from tfstore.reading.comparison import aligned_steps

    call = next(
        (each.step_id for run in after.runs for each in run.steps if each.label == "assistant_call"), ""
    )
    pairs = aligned_steps(_call_of(before, step_id), _call_of(after, call))
    # No tool runs, so how those ended that were asked for is not compared.
    return [
        evolve(pair, changes=[each for each in pair.changes if each.field != "status"])
        if pair.after is not None and pair.after.label in {"tool_call", "approval_request"}
        else pair
        for pair in pairs
    ]


def _call_of(session: Session, step_id: str) -> list[Step]:
    steps = [each for run in session.runs for each in run.steps]
    answer = {"assistant_message", "reasoning", "tool_call", "approval_request", "refusal"}
    return [
        each
        for each in steps
        if each.step_id == step_id or (each.label in answer and step_id in each.depends_on)
    ]


def _request_lines(asked: Asked, place: Place) -> Iterator[Text]:
    from rich.text import Text

    from tfstore.reading.naming import short_id, short_step

    name = f"{short_id(place.session.session_id)}:{short_step(asked.step_id)}"
    yield Text(f"THE REQUEST OF {name}", "bold")
    for each in asked.changes:
        where, before, after = each.lines()
        yield Text(f"  {where}", "bold")
        yield Text(f"  {before}", "red")
        yield Text(f"  {after}", "green")
    if not asked.changes:
        yield Text("  The same.")


def _answer_lines(made: Session, pairs: list[StepPair], width: int) -> Iterator[Text]:
    from rich.text import Text

    from tfclient.cli.lines.differences import step_differences
    from tfstore.reading.naming import short_id

    yield Text()
    yield Text(f"ITS ANSWER, session {short_id(made.session_id)}", "bold")
    different = [pair for pair in pairs if pair.differs]
    for pair in different:
        yield from step_differences(pair, width)
    if not different:
        yield Text("  The same.")


def _row(made: Session, pairs: list[StepPair], error: Exception | None) -> dict[str, Any]:
    from attrs import asdict

    calls = [each.step_id for run in made.runs for each in run.steps if each.label == "assistant_call"]
    return {
        "session_id": made.session_id,
        "step_id": calls[0] if calls else None,
        "error": None if error is None else f"{type(error).__name__}: {error}",
        "changes": [
            {
                "before": pair.before.step_id if pair.before else None,
                "after": pair.after.step_id if pair.after else None,
                "label": (pair.after or pair.before).label,  # type: ignore[union-attr]
                "changes": [asdict(change) for change in pair.changes],
            }
            for pair in pairs
            if pair.differs
        ],
    }


def _plain(value: Any) -> Any:
    from tfclient.replaying.differences import ABSENT
    from tfclient.replaying.meaning import InText

    if value is ABSENT:
        return None
    if isinstance(value, InText):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
