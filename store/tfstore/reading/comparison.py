"""Two sessions, or two runs, side by side: which run and which step answers to which, and what changed. Pure.

Runs are paired by their prompts, steps by what they are and say; what stands in between is paired in order where
it is of one kind, else it is there on one side only.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from attrs import asdict, frozen

from tfstore.document.documents import Run, Step
from tfstore.document.played import is_played
from tfstore.reading.step_words import laid_out, says

T = TypeVar("T")

SLOWER: Final = 1.5
NOTABLE_MS: Final = 250
"""A duration has changed when it is half as long again, and by this much: two runs never take the same time."""


@frozen
class Change:
    """One thing that is different: the same field before and after."""

    field: str
    before: Any
    after: Any


@frozen
class StepPair:
    """A step of each side, or of one; ``changes`` is empty where one of them is missing."""

    before: Step | None
    after: Step | None
    changes: list[Change]

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        return self.before is None or self.after is None or bool(self.changes)


@frozen
class RunPair:
    """A run of each side, or of one, and its steps side by side."""

    before: Run | None
    after: Run | None
    changes: list[Change]
    steps: list[StepPair]

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        missing = self.before is None or self.after is None
        return missing or bool(self.changes) or any(pair.differs for pair in self.steps)

    def as_json(self) -> dict[str, Any]:
        """Return the pair as it stands in JSON, changed steps only."""
        return {
            "before": self.before.run_id if self.before else None,
            "after": self.after.run_id if self.after else None,
            "changes": [asdict(change) for change in self.changes],
            "steps": [
                {
                    "before": pair.before.step_id if pair.before else None,
                    "after": pair.after.step_id if pair.after else None,
                    "label": (pair.after or pair.before).label,  # type: ignore[union-attr]
                    "changes": [asdict(change) for change in pair.changes],
                }
                for pair in self.steps
                if pair.differs
            ],
        }


def aligned_runs(before: Sequence[Run], after: Sequence[Run]) -> list[RunPair]:
    """Return the runs of both sides in pairs."""
    if len(before) == len(after) == 1:
        return [_run_pair(before[0], after[0])]
    pairs = _aligned(before, after, _prompt, lambda run: run.trigger)
    return [_run_pair(old, new) for old, new in pairs]


def aligned_steps(before: Sequence[Step], after: Sequence[Step]) -> list[StepPair]:
    """Return the steps of both sides in pairs, with what changed in each."""
    return [
        StepPair(old, new, _changes(old, new) if old is not None and new is not None else [])
        for old, new in _aligned(before, after, _content, _kind)
    ]


def _run_pair(before: Run | None, after: Run | None) -> RunPair:
    if before is None or after is None:
        return RunPair(before, after, [], [])
    old, new = ({"status": run.status, "total_tokens": _sum(run)} for run in (before, after))
    return RunPair(before, after, _apart(before, after, old, new), aligned_steps(before.steps, after.steps))


def _sum(run: Run) -> int:
    return sum(step.usage.total_tokens for step in run.steps if step.usage is not None)


def _aligned(
    before: Sequence[T], after: Sequence[T], content: Callable[[T], str], kind: Callable[[T], str]
) -> Iterator[tuple[T | None, T | None]]:
    """Yield pairs: first of what is equal; in between, of what is of one kind."""
    for old, new in _blocks(before, after, content):
        if old and new and content(old[0]) == content(new[0]):
            yield from zip(old, new, strict=True)
            continue
        for some_old, some_new in _blocks(old, new, kind):
            if some_old and some_new and kind(some_old[0]) == kind(some_new[0]):
                yield from zip(some_old, some_new, strict=True)
            else:
                yield from ((each, None) for each in some_old)
                yield from ((None, each) for each in some_new)


def _blocks(
    before: Sequence[T], after: Sequence[T], key: Callable[[T], str]
) -> Iterator[tuple[Sequence[T], Sequence[T]]]:
    matcher = difflib.SequenceMatcher(
        None, [key(each) for each in before], [key(each) for each in after], autojunk=False
    )
    for _, first, last, from_, to in matcher.get_opcodes():
        yield before[first:last], after[from_:to]


def _prompt(run: Run) -> str:
    return f"{run.trigger} {' '.join(run.input_text.casefold().split())}"


def _kind(step: Step) -> str:
    return f"{step.label} {step.tool_name or ''}"


def _content(step: Step) -> str:
    # Model calls say nothing of their own: one is as good as the next of its kind.
    return f"{_kind(step)} {'' if step.label == 'assistant_call' else says(step)}"


def _changes(before: Step, after: Step) -> list[Change]:
    return _apart(before, after, _compared(before, after), _compared(after, after))


def _compared(step: Step, after: Step) -> dict[str, Any]:
    """Return what of a step is compared, by what it is called of the one after."""
    said: dict[str, Any] = {"model": step.model, "status": step.status, _word(after): _text(step)}
    if after.label == "tool.schemas.snapshot":
        said["tools"] = step.payload_started.get("tools")
    said["attempts"] = [str(each.status_code or each.error or "no answer") for each in step.attempts]
    said |= {name: getattr(step.usage, name, None) for name in ("input_tokens", "output_tokens")}
    if after.label == "assistant_call":
        said["parameters"] = step.payload_started.get("arguments")
    return said


def _apart(before: Run | Step, after: Run | Step, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    changes = [Change(name, old[name], value) for name, value in new.items() if old[name] != value]
    # What is played takes no time, or what somebody wants it to.
    if not _has_played(before, after) and _is_longer(before.duration_ms, after.duration_ms):
        changes.append(Change("duration_ms", before.duration_ms, after.duration_ms))
    return changes


def _has_played(*sides: Run | Step) -> bool:
    return any(
        is_played(step) for side in sides for step in (side.steps if isinstance(side, Run) else [side])
    )


def _word(step: Step) -> str:
    """Return what a step's text is called."""
    if step.label in {"tool_call", "approval_request"}:
        return "arguments"
    if step.error is not None or step.label == "assistant_call":
        return "error"
    return "output" if step.label == "tool_output" else "text"


def _text(step: Step) -> str:
    if step.label == "context.snapshot":
        return json.dumps(step.payload_started.get("items"), ensure_ascii=False, indent=2)
    return laid_out(step)


def _is_longer(before: int | None, after: int | None) -> bool:
    if before is None or after is None:
        return False
    low, high = sorted((before, after))
    return high - low >= NOTABLE_MS and high >= SLOWER * low
