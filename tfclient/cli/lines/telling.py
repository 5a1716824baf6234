"""The story of a session in lines, what matters most first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfclient.cli.lines.found import found
from tfclient.cli.lines.heading import heading
from tfclient.cli.lines.notes import noted
from tfclient.cli.lines.prompt import mention
from tfclient.cli.lines.steps import aligned, trimmed
from tfclient.reflect.findings import Finding
from tfstore.document.cut_off import cut_off, cut_off_in
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.reading.facts import StepFacts
from tfstore.reading.failures import Failure, Retry, Story, Told
from tfstore.reading.figures import counted, duration, joined
from tfstore.reading.naming import short_step
from tfstore.reading.session_words import waits
from tfstore.reading.step_words import name_of, remarks_on, says, took, word_of

FAILURES: Final = 3
"""Failures told at length; of more only where they are."""

CHAIN: Final = 12
"""Steps of a chain that are shown; of a longer one its beginning and its end."""

CAUSE: Final = 4
"""Lines of what the cause of an exception says."""

HEAD: Final = 2
MOST: Final = 5
"""Things of one kind that are named; of more it is said how many."""

GROWN: Final = 1.5
_BARS: Final = "▁▂▃▄▅▆▇█"
_ASCII: Final = "._-=+*#@"
_ENDED: Final = {"failed": "failed", "cancelled": "was not finished", "incomplete": "was cut short"}


def telling(
    story: Story,
    width: int,
    findings: Sequence[Finding] = (),
    notes: Sequence[Note] = (),
    *,
    ascii_only: bool = False,
) -> Iterator[Text]:
    """Yield the lines of a story and of what was found in its session and noted on it, cut to the terminal's width."""
    for line in _lines(story, width, findings, notes, ascii_only=ascii_only):
        line.truncate(width, overflow="ellipsis")
        yield trimmed(line)


def _lines(
    story: Story, width: int, findings: Sequence[Finding], notes: Sequence[Note], *, ascii_only: bool
) -> Iterator[Text]:
    session = story.facts.session
    yield from heading(session, width)
    # Who looked at it knows more than all that follows.
    yield from noted(notes[:MOST], width, most=1, places=True)
    if len(notes) > MOST:
        yield Text(f"… and {counted(len(notes) - MOST, 'note')} more: tfclient note --list", "dim")
    yield Text()
    yield from _program(session, width)
    faults = [each for each in findings if each.severity != "info" and not _is_told(each, story)]
    if not story.failures:
        yield from _nothing_failed(story, faults)
        yield from _faults(faults, width)
    for place, failure in enumerate(story.failures[:FAILURES]):
        if place:
            yield Text()
        yield from _failure(failure, width)
    if rest := story.failures[FAILURES:]:
        yield from _title(f"Also: {', '.join(_where(each) for each in rest)}", width)
    if story.failures and faults:
        yield from _title("FINDINGS", width)
        yield from _faults(faults, width)
    remarkable = list(_remarkable(story, width, ascii_only=ascii_only))
    if remarkable:
        yield from _title("REMARKABLE", width, blank=bool(story.failures or faults))
        yield from remarkable


def _program(session: Session, width: int) -> Iterator[Text]:
    """Yield what is known of the exception that ended the program: its words are in the head."""
    failure = session.failure
    if failure is None:
        return
    if failure.cause:
        for line in block(f"because of {failure.cause}", width - 2, CAUSE):
            yield Text(f"  {line}", "red")
    frames = failure.stack or failure.frames
    if frames:
        yield Text("Where it was raised", "bold")
    # The last frame says most.
    for frame in reversed(frames):
        for line in block(frame, width - 2):
            yield Text(f"  {line}", "dim")
    yield Text()


def _is_told(finding: Finding, story: Story) -> bool:
    """Return whether the story of a failure tells a finding at length, so that it need not be said again."""
    shown = story.failures[:FAILURES]
    if finding.kind == "run_failed":
        return any(finding.steps[0] == failure.step.step.step_id for failure in shown)
    told = (each.answer.step.step_id for failure in shown for each in failure.not_told)
    return finding.kind == "output_unused" and finding.steps[0] in told


def _faults(faults: Sequence[Finding], width: int) -> Iterator[Text]:
    yield from found(faults[:MOST], width)
    if len(faults) > MOST:
        yield Text(f"       … and {len(faults) - MOST:,} more: tfclient findings", "dim")


def _nothing_failed(story: Story, faults: Sequence[Finding]) -> Iterator[Text]:
    session = story.facts.session
    awaited = waits(session)
    if session.status == "active":
        yield Text(f"Nothing has failed so far{awaited and '; it '}{awaited}.", "bold")
    elif session.failure is not None:
        yield Text("No step failed.", "bold yellow")
    elif session.result in {"failed", "cancelled"}:
        yield Text(f"It {_ENDED[session.result]}, and no step says why.", "bold yellow")
    elif awaited:
        yield Text(f"Nothing failed; it {awaited}.", "bold yellow")
    elif faults:
        cut = ", ".join(cut_off_in(session))
        what = f"an answer was cut off: {cut}" if cut else _counted_findings(faults)
        yield Text(f"Nothing failed, but {what}.", "bold yellow")
    else:
        yield Text("Nothing failed.", "bold green")
    if errors := len(story.tool_errors):
        yield Text(f"{counted(errors, 'tool error')} did not stop it.", "yellow")
    yield Text()


def _counted_findings(faults: Sequence[Finding]) -> str:
    return "1 finding tells otherwise" if len(faults) == 1 else f"{len(faults):,} findings tell otherwise"


def _where(failure: Failure) -> str:
    reason = cut_off(failure.step.step)
    ended = _ENDED[failure.run.run.status] + (f" ({reason})" if reason else "")
    return f"run {failure.run.number} {ended} at {short_step(failure.step.step.step_id)}"


def _failure(failure: Failure, width: int) -> Iterator[Text]:
    step = failure.step.step
    head = Text(_where(failure).capitalize(), "bold red" if failure.run.failed else "bold yellow")
    head.append(f": {word_of(step).lower()} {name_of(failure.step)}".rstrip(), "bold")
    yield from aligned(head, Text(took(step), "dim"), width)
    for line in block(_reason(failure), width - 2):
        yield Text(f"  {line}", "red" if step.error is not None else "yellow")
    yield from _title("How it came to that", width)
    yield from _chain(failure, width)
    if failure.not_told:
        yield from _title("What the model was never told", width)
        yield from _several(_answer(each, width) for each in failure.not_told)
    if failure.told:
        yield from _title("What the model was told", width)
        # The latest first: that is what it went by.
        yield from _several(_answer(each, width) for each in reversed(failure.told))


def _reason(failure: Failure) -> str:
    own = failure.step
    if own.step.error is not None:
        return joined(says(own.step), _remarks(own))
    if own.step.status == "unresolved":
        return "Its tool call was never answered: the program stopped, or did not send the output back."
    words = (own.step.status, own.step.ending or "", cut_off(own.step) or "")
    return joined(*dict.fromkeys(each.replace("_", " ") for each in words))


def _remarks(own: StepFacts) -> str:
    """Return the remarks on a step but for the one that it failed: that is said."""
    return remarks_on(own).removeprefix("FAILED").removeprefix(" · ")


def _title(title: str, width: int, *, blank: bool = True) -> Iterator[Text]:
    if blank:
        yield Text()
    for line in block(title, width):
        yield Text(line, "bold")


def _chain(failure: Failure, width: int) -> Iterator[Text]:
    chain = failure.chain
    shown: list[StepFacts | None] = list(chain)
    if len(chain) > CHAIN:
        shown = [*chain[:HEAD], None, *chain[HEAD - CHAIN :]]
    for own in shown:
        if own is None:
            yield Text(f"       … {counted(len(chain) - CHAIN, 'step')} between", "dim")
        else:
            line = mention(own, width, "✗ " if own is failure.step else "  ")
            line.stylize("bold red" if own is failure.step else "", 0, 2)
            yield line


def _answer(told: Told, width: int) -> Text:
    """Return an answer of a tool in one line, with what carried it."""
    carriers = [each for each in told.carried_by if told.read == (each.step.status != "failed")]
    if told.read:
        about = f" → {short_step(carriers[0].step.step_id)}"
    elif carriers:
        about = f" only sent with {short_step(carriers[-1].step.step_id)}, which failed"
    else:
        about = " never sent"
    line = mention(told.answer, width - len(about))
    return line.append(about, "dim" if told.read else "yellow")


def _several(lines: Iterator[Text], most: int = MOST) -> Iterator[Text]:
    every = list(lines)
    yield from every[:most]
    if len(every) > most:
        yield Text(f"       … and {len(every) - most:,} more", "dim")


def _remarkable(story: Story, width: int, *, ascii_only: bool) -> Iterator[Text]:
    told = [each for failure in story.failures[:FAILURES] for each in failure.not_told]
    for about, lines in (
        ("never answered", [mention(each, width - 2) for each in story.unanswered]),
        ("never used", [_answer(each, width) for each in story.unused if each not in told]),
        ("tried again", [_retry(each, width) for each in story.retries]),
        ("asked again", list(_repetitions(story, width))),
    ):
        if lines:
            yield Text(f"  {about}", "italic")
            yield from (Text.assemble("  ", line) for line in _several(iter(lines)))
    if len(story.slowest) > 1:
        yield Text("  slowest", "italic")
        for own in story.slowest:
            yield from aligned(
                Text.assemble("  ", mention(own, width - 14)), Text(_share(own, story), "dim"), width
            )
    yield from _growth(story, width, ascii_only=ascii_only)


def _retry(retry: Retry, width: int) -> Text:
    first, again = retry.first, retry.again
    by_itself = _remarks(first).partition(" · ")[0]
    words = by_itself if first is again else f"again as {short_step(again.step.step_id)}"
    ending = "worked" if retry.worked else "failed again"
    about = f" {joined(words, ending)}"
    line = Text.assemble((f"  {short_step(first.step.step_id):<4} ", "dim"), (word_of(first.step), "bold"))
    line.append(f" {name_of(first)}")
    line.truncate(max(width - 2 - len(about), 12), overflow="ellipsis")
    return line.append(about, "green" if retry.worked else "red")


def _repetitions(story: Story, width: int) -> Iterator[Text]:
    for each in story.repeated:
        ids = ", ".join(short_step(own.step.step_id) for own in each.calls[1:MOST])
        more = " …" if len(each.calls) > MOST else ""
        same = ", the same answer" if each.same_answer else ""
        about = f" again as {ids}{more}{same}"
        yield mention(each.calls[0], max(width - 2 - len(about), 24)).append(about, "yellow")


def _share(own: StepFacts, story: Story) -> str:
    whole = story.facts.session.duration_ms or 0
    share = f" {(own.step.duration_ms or 0) / whole:4.0%}" if whole else ""
    return f"{took(own.step) or duration(0)}{share}"


def _growth(story: Story, width: int, *, ascii_only: bool) -> Iterator[Text]:
    """Yield how the requests of a thread grew, if they did."""
    counts = [each.step.usage.input_tokens for each in story.context if each.step.usage is not None]
    if len(counts) < 2 or max(counts) < GROWN * counts[0]:
        return
    largest = max(range(len(counts)), key=lambda place: counts[place])
    where = short_step(story.context[largest].step.step_id)
    yield Text("  context", "italic")
    words = (
        f"{counts[0]:,} → {counts[largest]:,} input tokens at {where} (×{counts[largest] / counts[0]:.1f})"
    )
    drawn = sparks(counts, max(width - len(words) - 8, 1), ascii_only=ascii_only)
    yield Text.assemble(f"    {words}  ", (drawn if width - len(words) > 12 else "", "cyan"))


def sparks(numbers: Sequence[float], columns: int, *, ascii_only: bool = False) -> str:
    """Return a bar for each number, or for the largest of neighbours where there are more than columns.

    Example:
        >>> sparks([1, 4, 8], 10), sparks([0, 1, 0, 8], 2), sparks([], 10)
        ('▁▄█', '▁█', '')
    """
    bars = _ASCII if ascii_only else _BARS
    columns = max(columns, 1)
    if len(numbers) > columns:
        bounds = [len(numbers) * place // columns for place in range(columns + 1)]
        numbers = [max(numbers[begin:end]) for begin, end in pairwise(bounds) if begin < end]
    highest = max(numbers, default=0)
    if highest <= 0:
        return bars[0] * len(numbers)
    # The lowest bar is for nothing, or nearly.
    return "".join(bars[min(max(round(each / highest * 8) - 1, 0), 7)] for each in numbers)
