"""A session as a readable tree: runs, their steps, what each took, and what went wrong.

Every line is made to the width of the terminal, timings and tokens aligned at its right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen
from rich.cells import cell_len
from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.notes import MOST, noted
from tfclient.cli.lines.steps import aligned, style_of, trimmed
from tfclient.cli.printing import PIPED
from tfd2.columns import one_line
from tfstore.document.documents import Run, Step
from tfstore.document.notes import Note
from tfstore.reading import helper_calls
from tfstore.reading.evidence import loops
from tfstore.reading.evidence.rounds import Rounds, loops_by_step, rows
from tfstore.reading.facts import Loop, Node, RunFacts, SessionFacts, StepFacts, nest
from tfstore.reading.figures import counted, duration, size
from tfstore.reading.noted import grouped
from tfstore.reading.plain_text import LOOKED_AT, clean
from tfstore.reading.run_words import cost, details, lineage, status, trigger, trouble
from tfstore.reading.step_facts import span_of
from tfstore.reading.step_words import (
    laid_out,
    name_of,
    remarks_on,
    repeats,
    said_in_line,
    size_of,
    tokens_of,
    took,
    word_of,
)

LEAST_TEXT: Final = 16
"""Columns of text that a line shows at least; with less room it goes below."""

LINES: Final = 3
"""Lines of an error and of what was said; of all else one, unless everything is asked for."""

SAID: Final = frozenset({"user_message", "assistant_message"})

BAR: Final = 24
_BARRED: Final = frozenset({"assistant_call", "tool_call", "generic"})
WIDE: Final = 120
"""Columns from which on every step has a bar that says when in its run it happened."""


@frozen
class Guides:
    """What the tree is drawn with."""

    branch: str = "├─ "
    last: str = "└─ "
    beside: str = "│  "
    blank: str = "   "


ASCII: Final = Guides("|- ", "`- ", "|  ", "   ")


@frozen
class Look:
    """How the tree is shown: columns, whether texts are whole, and whether loops and calls in a row are told as one."""

    width: int = 80
    full: bool = False
    guides: Guides = field(factory=Guides)
    folded: bool = True

    @property
    def most(self) -> int | None:
        """Lines of a note at most."""
        return None if self.full else MOST


def tree(facts: SessionFacts, runs: list[RunFacts], look: Look, notes: Sequence[Note] = ()) -> Iterator[Text]:
    """Yield the lines of these runs of a session, a blank one before each; single API calls stand close.

    Many of them in a row are one line, and a loop is one with its first round, unless each is to be shown, or something
    was noted there. Notes stand below what they are about.
    """
    durations = max((cell_len(took(own.step)) for run in runs for own in run.steps), default=0)
    counts = max((cell_len(tokens_of(own.step)) for run in runs for own in run.steps), default=0)
    columns = (max(durations, 7), counts)
    first_seen: dict[tuple[str, str], StepFacts] = {}
    close = False
    about = grouped(notes)
    for row in _rows(facts, runs, look, about):
        if len(row) > 1:
            yield Text()
            yield from _helper_calls(row, look)
            close = True
            continue
        (run,) = row
        clock = (
            Clock.of(run.run, BAR, ascii_only=look.guides is ASCII) if WIDE <= look.width < PIPED else None
        )
        loops = _loops(run, about) if look.folded else {}
        page = _Page(look, columns, clock, first_seen, loops, about)
        single = run.run.trigger == "api" and len(run.steps) == 1
        if not (single and close):
            yield Text()
        close = single
        if single:
            own = run.steps[0]
            name = Text.assemble((f"Run {run.number} ", "bold"), _head(own, named=True))
            yield from _step(own, name, look.guides.blank, page)
            yield from noted(about.get(run.run.run_id, ()), look.width, look.guides.blank, most=look.most)
            continue
        yield from run_head(run, look.width)
        yield from noted(about.get(run.run.run_id, ()), look.width, most=look.most)
        yield from _siblings(nest(facts, run), "", page, above=None)


def _rows(
    facts: SessionFacts, runs: list[RunFacts], look: Look, about: Mapping[str, list[Note]]
) -> Iterator[list[RunFacts]]:
    """Yield the runs that are one line together, each of the others by itself."""
    for row in helper_calls.rows(facts, runs) if look.folded else ([run] for run in runs):
        ids = (each for run in row for each in (run.run.run_id, *(own.step.step_id for own in run.steps)))
        if len(row) > 1 and about and any(each in about for each in ids):
            yield from ([run] for run in row)
        else:
            yield row


def _loops(run: RunFacts, about: Mapping[str, list[Note]]) -> dict[StepFacts, Loop]:
    """Return the loops that are told as one: those in which nothing was noted."""
    found = loops_by_step(run)
    noted_in = {id(loop) for own, loop in found.items() if own.step.step_id in about}
    return {own: loop for own, loop in found.items() if id(loop) not in noted_in}


def _helper_calls(row: list[RunFacts], look: Look) -> Iterator[Text]:
    line = Text.assemble((helper_calls.span(row), "bold"), f" {counted(len(row), 'API call')} ")
    total = Text(f"  {duration(sum(run.run.duration_ms or 0 for run in row))}")
    room = look.width - line.cell_len - total.cell_len
    yield from aligned(
        line.append(one_line(helper_calls.names(row), max(room - 1, 1)), "dim"), total, look.width
    )


@frozen
class _Page:
    """What all lines of one run share."""

    look: Look
    columns: tuple[int, int]
    clock: Clock | None
    first_seen: dict[tuple[str, str], StepFacts]
    loops: dict[StepFacts, Loop]
    notes: Mapping[str, list[Note]]

    def right(self, own: StepFacts) -> Text:
        """Return the aligned columns at the right of a step's line; empty when it took and cost nothing."""
        step = own.step
        bar = self.clock.bar(step) if self.clock is not None else ""
        return self._aligned(took(step), tokens_of(step), bar, style_of(step))

    def of_loop(self, found: Rounds) -> Text:
        """Return the same of a loop."""
        return self._aligned(found.took, found.tokens, " " * BAR if self.clock is not None else "")

    def _aligned(self, duration: str, count: str, bar: str, style: str = "") -> Text:
        if not (duration or count or bar.strip()):
            return Text()
        right = Text.assemble("  ", (bar, style)) if self.clock is not None else Text()
        right.append(f" {duration:>{self.columns[0]}}")
        if self.columns[1]:
            right.append(f"  {count:>{self.columns[1]}}", "dim")
        return right


def run_head(run: RunFacts, width: int) -> Iterator[Text]:
    """Yield the lines over a run's steps."""
    left = Text.assemble((f"Run {run.number}", "bold"))
    for words, style in (
        (status(run), "bold red" if run.failed else "bold yellow"),
        (trouble(run), "red" if run.errors else "yellow"),
        (trigger(run), ""),
        (lineage(run), ""),
    ):
        if words:
            left.append(" · ", "dim").append(words, style)
    yield from aligned(left, Text(cost(run), "bold"), width)
    if more := details(run):
        yield Text(one_line(more, width), "dim")


def _siblings(nodes: list[Node], before: str, page: _Page, *, above: StepFacts | None) -> Iterator[Text]:
    """Yield the lines of what stands side by side below a step, or in a run."""
    found = list(rows(nodes, page.loops))
    for row in found:
        is_last = row is found[-1]
        if isinstance(row, Rounds):
            yield from _loop(row, before, is_last, page)
            continue
        # An output right below its call need not repeat the tool's name.
        again = above is not None and above.step.label == "tool_call" and row.own.tool == above.tool
        yield from _lines(row, before, is_last, page, named=not again)


def _loop(found: Rounds, before: str, is_last: bool, page: _Page) -> Iterator[Text]:  # noqa: FBT001
    guides = page.look.guides
    right = page.of_loop(found)
    head = Text.assemble(
        (before + (guides.last if is_last else guides.branch), "dim"),
        (f"{loops.span(found.loop)} ", "dim"),
        (clean(loops.name(found.loop)), "bold red" if found.loop.fails else "bold yellow"),
    )
    after = before + (guides.blank if is_last else guides.beside)
    yield from aligned(head, right, page.look.width, after + guides.beside)
    first, inside = found.first, evolve(page, loops={})
    for node in first:
        yield from _lines(node, after, node is first[-1], inside, named=True)


def _lines(node: Node, before: str, is_last: bool, page: _Page, *, named: bool) -> Iterator[Text]:  # noqa: FBT001
    guides = page.look.guides
    own = node.own
    asked = sum(child.own.step.label == "tool_call" for child in node.children)
    after = before + (guides.blank if is_last else guides.beside)
    head = Text.assemble(
        (before + (guides.last if is_last else guides.branch), "dim"), (f"{own.name} ", "dim")
    )
    below = after + (guides.beside if node.children else guides.blank)
    yield from _step(own, head.append_text(_head(own, named=named)), below, page, asked)
    yield from _siblings(node.children, after, page, above=own)


def _head(own: StepFacts, *, named: bool) -> Text:
    head = Text(word_of(own.step), style_of(own.step))
    name = name_of(own) if named else ""
    return head.append(f" {name}", "dim" if own.is_snapshot else "bold") if name else head


def _remarks(own: StepFacts, asked: int) -> Text:
    step = own.step
    remarks = remarks_on(own, asked)
    wrong = step.status not in {"completed", "in_progress", "queued"}
    style = ("red" if step.status == "failed" else "yellow") if wrong else "dim"
    return Text.assemble((" · ", "dim"), (remarks, style)) if remarks else Text()


def _step(own: StepFacts, head: Text, below: str, page: _Page, asked: int = 0) -> Iterator[Text]:
    yield from _itself(own, head, below, page, asked)
    yield from noted(page.notes.get(own.step.step_id, ()), page.look.width, below, most=page.look.most)


def _itself(own: StepFacts, head: Text, below: str, page: _Page, asked: int) -> Iterator[Text]:
    look, step = page.look, own.step
    remarks, right = _remarks(own, asked), page.right(own)
    room = look.width - head.cell_len - remarks.cell_len - right.cell_len
    style = "red" if own.failed else "dim" if own.is_snapshot or step.label == "reasoning" else ""
    again = repeats(own, page.first_seen)
    text = again or said_in_line(step)
    # A call's arguments follow its name; words stand apart from what they are about.
    joint = "" if step.label in {"tool_call", "approval_request"} else " "
    line = one_line(text, max(room - 1, 1))
    if not text.strip():
        yield from aligned(head.append_text(remarks), right, look.width, below)
    elif room > 1 and is_whole(text, line):
        yield from aligned(
            head.append(joint).append(line, style).append_text(remarks), right, look.width, below
        )
    elif look.full or own.failed or step.label in SAID or room < LEAST_TEXT:
        most = None if look.full else LINES if own.failed or step.label in SAID else 1
        shown = again or laid_out(step) if look.full else text
        plain = not remarks.plain
        head, rest = _begun(
            head.append_text(remarks), shown, look, right.cell_len, below, most, style, plain=plain
        )
        yield from aligned(head, right, look.width, below)
        yield from (trimmed(Text.assemble((below, "dim"), (line, style))) for line in rest)
    else:
        mark = f" {size(size_of(step))}"
        cut = one_line(text, max(room - 1 - len(mark), 1))
        head.append(joint).append(cut if cut.endswith("…") else f"{cut}…", style)
        yield from aligned(head.append(mark, "dim").append_text(remarks), right, look.width, below)


def _begun(
    head: Text, text: str, look: Look, taken: int, below: str, most: int | None, style: str, *, plain: bool
) -> tuple[Text, list[str]]:
    """Return a head with the beginning of a text behind it if there is room, and the lines that go below."""
    first = look.width - head.cell_len - taken - 1
    # What is laid out in lines of its own, such as JSON, begins on a line of its own as well.
    behind = plain and first >= LEAST_TEXT and not (look.full and "\n" in text.strip())
    lines = block(text, look.width - cell_len(below), most, first=first if behind else None)
    if behind and lines:
        return head.append(" ").append(lines[0], style), lines[1:]
    return head, lines


def is_whole(text: str, line: str) -> bool:
    """Return whether the line says all that the text does."""
    return len(text) <= LOOKED_AT and "\n" not in text.strip() and line == " ".join(clean(text).split())


@frozen
class Clock:
    """A run's time, laid out over some columns."""

    began: float
    lasted: float
    columns: int
    fill: str = "━"

    @classmethod
    def of(cls, run: Run, columns: int, *, ascii_only: bool = False) -> Clock | None:
        """Return the clock of a run, or None when nothing in it took time."""
        spans = [span for step in run.steps if (span := span_of(step)) is not None]
        if not spans:
            return None
        began = min(start for start, _ in spans)
        lasted = max(end for _, end in spans) - began
        return cls(began, lasted, columns, "=" if ascii_only else "━") if lasted > 0 else None

    def bar(self, step: Step) -> str:
        """Return a step's bar, as many columns as the clock has."""
        span = span_of(step)
        if span is None or step.label not in _BARRED or span[1] <= span[0]:
            return " " * self.columns
        first = min(int((span[0] - self.began) / self.lasted * self.columns), self.columns - 1)
        last = max(first + 1, round((span[1] - self.began) / self.lasted * self.columns))
        return (" " * first + self.fill * (last - first)).ljust(self.columns)
