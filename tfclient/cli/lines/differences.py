"""What differs between two sessions, in lines: what was with a minus, what is with a plus."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.steps import style_of
from tfd2.columns import one_line
from tfstore.document.documents import Run, Session, Step
from tfstore.reading.comparison import Change, RunPair, StepPair
from tfstore.reading.figures import counted, duration, joined
from tfstore.reading.naming import short_id, short_step
from tfstore.reading.step_words import said_in_line, word_of

CONTEXT: Final = 1
"""Lines around a changed one."""

MOST: Final = 40
"""Lines of one text's changes; of more it is said how many."""

_TEXTS: Final = frozenset({"text", "arguments", "output", "error", "tools", "parameters"})
_NAMES: Final = {
    "input_tokens": "tokens in",
    "output_tokens": "tokens out",
    "total_tokens": "tokens",
    "duration_ms": "time",
}


def differences(before: Session, after: Session, pairs: list[RunPair], width: int) -> Iterator[Text]:
    """Yield the lines that tell two sessions apart."""
    single = pairs[0] if len(pairs) == 1 else None
    sides = (single.before, single.after) if single is not None else (None, None)
    for sign, session, run, style in zip("-+", (before, after), sides, ("red", "green"), strict=True):
        name = short_id(session.session_id)
        title = session.title
        if run is not None and len(session.runs) > 1:
            name, title = f"{name}:{run.run_id}", run.input_text
        yield Text(one_line(f"{sign} {name} {title or '(no prompt)'}", width), f"bold {style}")
    same = sum(not pair.differs for pair in pairs)
    for pair in pairs:
        if pair.differs:
            yield Text()
            yield from _run(pair, width)
    yield Text()
    if same == len(pairs):
        yield Text("No differences.", "bold")
    elif same:
        yield Text(f"{counted(same, 'run')} the same.", "dim")


def _run(pair: RunPair, width: int) -> Iterator[Text]:
    run = pair.after or pair.before
    assert run is not None  # noqa: S101 - one of the two is there
    if pair.before is None or pair.after is None:
        sign, style = ("+", "green") if pair.before is None else ("-", "red")
        about = joined(f"{_number(run)} only here", counted(len(run.steps), "step"), run.status)
        yield Text(one_line(f"{sign} {about}", width), f"bold {style}")
        if run.input_text:
            yield Text(f"  {one_line(run.input_text, width - 2)}", style)
        return
    names = dict.fromkeys((_number(pair.before), _number(pair.after)))
    head = Text(" → ".join(names), "bold")
    for change in pair.changes:
        head.append(f" · {_figures(change)}", _style(change))
    head.truncate(width, overflow="ellipsis")
    yield head
    if run.input_text and pair.before.input_text == run.input_text:
        yield Text(f"  {one_line(run.input_text, width - 2)}", "dim")
    for step in pair.steps:
        if step.differs:
            yield from step_differences(step, width)


def _number(run: Run) -> str:
    return one_line(run.run_id.replace("run_", "Run "), 24)


def step_differences(pair: StepPair, width: int) -> Iterator[Text]:
    """Yield the lines that tell two steps apart, or that there is one on one side only."""
    if pair.before is None or pair.after is None:
        step = pair.after or pair.before
        assert step is not None  # noqa: S101 - one of the two is there
        sign, style = ("+", "green") if pair.before is None else ("-", "red")
        head = _head(step, f"{sign} {short_step(step.step_id):<4} ", style)
        joint = "" if step.label == "tool_call" else " "
        said = one_line(said_in_line(step)[:2_000], max(width - head.cell_len - 1, 8))
        head.append(f"{joint}{said}", style)
        head.truncate(width, overflow="ellipsis")
        head.rstrip()
        yield head
        return
    ids = dict.fromkeys((short_step(pair.before.step_id), short_step(pair.after.step_id)))
    head = _head(pair.after, f"  {' → '.join(ids):<4} ", "dim")
    figures = Text(" · ").join(
        Text(_figures(change), _style(change)) for change in pair.changes if change.field not in _TEXTS
    )
    if figures and head.cell_len + figures.cell_len + 3 <= width:
        yield head.append(" · ").append_text(figures)
    else:
        head.truncate(width, overflow="ellipsis")
        yield head
        yield from (Text(f"     {line}") for line in block(figures.plain, width - 5) if line)
    for change in pair.changes:
        if change.field in _TEXTS:
            yield from text_differences(change, width)


def _head(step: Step, before: str, style: str) -> Text:
    head = Text.assemble((before, style), (word_of(step), style_of(step)))
    name = step.tool_name or step.model
    return head.append(f" {one_line(name, 40)}", "bold") if name else head


def _figures(change: Change) -> str:
    name = _NAMES.get(change.field, change.field)
    before, after = (_value(change.field, each) for each in (change.before, change.after))
    return f"{name} {before} → {after}"


def _value(field: str, value: Any) -> str:
    if value is None:
        return "none"
    if field == "duration_ms":
        return duration(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(one_line(str(each), 24) for each in value) or "none"
    return one_line(str(value), 40)


def _style(change: Change) -> str:
    if change.field == "status":
        return "red" if change.after == "failed" else "yellow"
    return "yellow" if change.field in {"model", "attempts"} else ""


def text_differences(change: Change, width: int) -> Iterator[Text]:
    """Yield a text's changed lines; a changed line's changed words are marked."""
    before, after = (_lines(each) for each in (change.before, change.after))
    lines = list(_changed(before, after, width - 7))
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield Text(f"       … and {len(lines) - MOST:,} more lines of changes", "dim")


def _lines(value: Any) -> list[str]:
    if value in (None, ""):
        return []
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return written.split("\n")


def _changed(before: list[str], after: list[str], width: int) -> Iterator[Text]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for place, group in enumerate(matcher.get_grouped_opcodes(CONTEXT)):
        if place:
            yield Text("       ⋮", "dim")
        for kind, first, last, from_, to in group:
            old, new = before[first:last], after[from_:to]
            if kind == "equal":
                yield from _signed(" ", old, width, "dim")
            elif len(old) == len(new):
                for was, is_ in zip(old, new, strict=True):
                    yield from _signed("-", [was], width, "red")
                    yield from _signed("+", [is_], width, "green", since=was)
            else:
                yield from _signed("-", old, width, "red")
                yield from _signed("+", new, width, "green")


def _signed(sign: str, lines: list[str], width: int, style: str, since: str | None = None) -> Iterator[Text]:
    for line in lines:
        pieces = block(line, width) or [""]
        if since is not None and len(pieces) == 1:
            yield _marked(sign, since, pieces[0], style)
            continue
        for piece in pieces:
            yield Text(f"     {sign} {piece}".rstrip(), style)


def _marked(sign: str, before: str, line: str, style: str) -> Text:
    """Return a line that replaces another, with what is new in it in bold."""
    marked = Text(f"     {sign} ", style)
    old, new = before.split(" "), line.split(" ")
    for kind, _, _, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if first < last:
            if marked.plain[7:]:
                marked.append(" ")
            marked.append(" ".join(new[first:last]), style if kind == "equal" else f"bold {style}")
    marked.rstrip()
    return marked
