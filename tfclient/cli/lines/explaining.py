"""Why a step or a run is what it is, in lines, what tells most first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.found import found
from tfclient.cli.lines.notes import noted
from tfclient.cli.lines.prompt import mention
from tfclient.cli.lines.steps import style_of, trimmed
from tfclient.reflect.findings import Finding
from tfd2.columns import one_line
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.reading.explaining.explanation import Explanation
from tfstore.reading.explaining.sections import Row, about, sections, source_name, title_of
from tfstore.reading.figures import joined
from tfstore.reading.naming import short_id, short_step
from tfstore.reading.step_words import name_of, remarks_on, said_in_line, took

MOST: Final = 3
"""Findings that are told at length; of more it is said how many."""

_LEAST: Final = 24


def explaining(
    session: Session,
    explained: Explanation,
    findings: Sequence[Finding],
    width: int,
    notes: Sequence[Note] = (),
) -> Iterator[Text]:
    """Yield the lines of an explanation and of what was found in the steps that it rests on, or noted on itself."""
    for line in _lines(session, explained, findings, width, notes):
        line.truncate(width, overflow="ellipsis")
        yield trimmed(line)


def _lines(
    session: Session, explained: Explanation, findings: Sequence[Finding], width: int, notes: Sequence[Note]
) -> Iterator[Text]:
    yield from _head(session, explained, width)
    yield from noted(notes, width)
    faults = [each for each in findings if each.severity != "info"]
    if faults:
        yield Text()
        yield from found(faults[:MOST], width)
        if len(faults) > MOST:
            yield Text(f"       … and {len(faults) - MOST:,} more: tfclient findings", "dim")
    for section in sections(explained):
        yield Text()
        for line in block(section.title, width):
            yield Text(line, "bold")
        for row in section.rows:
            yield from _row(row, width)


def _head(session: Session, explained: Explanation, width: int) -> Iterator[Text]:
    own = explained.own
    if own is None:
        run = explained.run
        head = Text(title_of(explained), "bold red" if run.failed else "bold")
        yield head.append(f" {one_line(run.run.input_text[:2_000], max(width - head.cell_len - 1, 8))}", "")
        remarks = ""
    else:
        step = own.step
        head = Text.assemble((short_step(step.step_id), "dim"), " ", (title_of(explained), style_of(step)))
        head.append(f" {name_of(own)}".rstrip(), "bold")
        joint = "" if step.label in {"tool_call", "approval_request"} else " "
        said = one_line(said_in_line(step)[:2_000], max(width - head.cell_len - 1, 8))
        yield head.append(joint).append(said, "red" if own.failed else "")
        remarks = joined(remarks_on(own), took(step))
    yield Text(
        one_line(joined(about(explained), remarks, f"session {short_id(session.session_id)}"), width), "dim"
    )


def _row(row: Row, width: int) -> Iterator[Text]:
    style = "yellow" if row.warns else "dim"
    if row.own is not None:
        note = f"  {one_line(row.about, max(width // 2, _LEAST))}" if row.about else ""
        yield mention(row.own, max(width - len(note), _LEAST)).append(note, style)
        return
    if not row.sources:
        note = f" · {row.about}" if row.about else ""
        for line in block(f"{row.text}{note}", width - 2):
            yield Text(f"  {line}", "yellow" if row.warns else "")
        return
    names = ", ".join(one_line(source_name(own), 40) for own in row.sources)
    right = Text.assemble((" ← ", "dim"), (names, "bold"), (f"  {row.about}" if row.about else "", "dim"))
    lines = block(row.text, width - 2)
    yield from (Text(f"  {line}") for line in lines[:-1])
    last = Text(f"  {lines[-1] if lines else ''}")
    if last.cell_len + right.cell_len <= width:
        yield last.append_text(right)
    else:
        yield last
        yield Text("   ").append_text(right)
