"""What sessions come to in numbers that only grow: those that are there, and those that were pruned or deleted.

=========================================  ========================================================================
``("sessions", result)``                   sessions that have ended, by how; ``none`` where nobody said
``("runs",)``                              runs
``("tool_errors",)``                       calls of tools that failed
``("errors", class)``                      steps with an error of this class
``("model_calls", model, "ok" | "error")`` calls of a model, by how they ended; ``tool_calls`` those of a tool
``("tokens", model, "input" | "output")``  tokens of calls of a model
``("call_seconds", kind, "0.5")``          calls of a ``model`` or ``tool`` that took up to so long, and longer than the
                                           bound before; ``+Inf`` are those beyond the last
``("call_milliseconds", kind)``            what all of these took together
``("redactions", rule)``                   values that a rule changed before they were written, also in headers
``("retries",)``                           attempts of calls that were tried again
``("run_events", "5")``                    runs of up to so many steps, and of more than the bound before
``("steps",)``                             steps of these runs
=========================================  ========================================================================

What is added here is kept of sessions that go from then on: of those that went before, it is not known.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from base64 import b64decode, b64encode
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from tfstore.index.rows import Calls, SessionRow, plain

Counters: TypeAlias = Counter[tuple[str, ...]]
"""A number for each name with its labels."""

BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds up to which calls are counted together."""

STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Steps up to which runs are counted together."""

FOLDED: Final = "folded"
"""What is written down of several sessions together begins with this and their identities, shortened, in base64."""

T = TypeVar("T")

_BYTES: Final = 8
_SHORT: Final = 2 * _BYTES
_IDENTITY: Final = re.compile("[0-9a-f]{64}")
_KINDS: Final = {"assistant_call": "model", "tool_call": "tool"}
_LONGEST: Final = 200
"""Characters of a label."""


def of_row(row: SessionRow) -> Counters:
    """Return what a session comes to, as far as its row says."""
    found: Counters = Counter({("runs",): row.runs, ("tool_errors",): row.tool_errors})
    if row.status != "active":
        found["sessions", row.result or "none"] += 1
    if not row.all_played:
        # What was played again happened once, elsewhere.
        found["retries",] += row.retries or 0
        for steps, runs in (row.run_steps or {}).items():
            found["run_events", _upto(int(steps), STEPS)] += runs
            found["steps",] += int(steps) * runs
    return found


def of_calls(label: str, every: Iterable[Calls]) -> Counters:
    """Return what calls come to: of models (``assistant_call``) or of tools (``tool_call``).

    Example:
        >>> counters = of_calls("tool_call", [Calls("get_weather", calls=3, errors=1, durations=[40, 300])])
        >>> counters["tool_calls", "get_weather", "ok"], counters["call_seconds", "tool", "0.5"]
        (2, 1)
    """
    kind = _KINDS[label]
    found: Counters = Counter()
    for each in every:
        name = (plain(each.name) or "")[:_LONGEST]
        found[f"{kind}_calls", name, "ok"] += each.calls - each.errors
        found[f"{kind}_calls", name, "error"] += each.errors
        if kind == "model":
            found["tokens", name, "input"] += each.input_tokens
            found["tokens", name, "output"] += each.output_tokens
        for took in each.durations:
            found["call_seconds", kind, _upto(took / 1000, BOUNDS)] += 1
            found["call_milliseconds", kind] += took
    return found


def of_errors(steps: Mapping[str, int]) -> Counters:
    """Return what the steps with an error of each class come to."""
    return Counter({("errors", (plain(name) or "")[:_LONGEST]): count for name, count in steps.items()})


def of_redactions(rules: Mapping[str, int]) -> Counters:
    """Return what redaction changed, by rule."""
    return Counter({("redactions", (plain(rule) or "")[:_LONGEST]): count for rule, count in rules.items()})


def identity_of(session_id: str, started_at: str | None) -> str:
    """Return what tells whether a session that went is there again, without naming it.

    Of the same id, another one may be recorded later.
    """
    return hashlib.sha256(f"{session_id}\x1f{started_at or ''}".encode("utf-8", "replace")).hexdigest()


def short(identity: str) -> bytes | None:
    """Return what is kept of an identity whose numbers were added to others; None of what is none."""
    return bytes.fromhex(identity[:_SHORT]) if _IDENTITY.fullmatch(identity) else None


def folded(every: Mapping[str, Counters]) -> list[list[str | int]]:
    """Return what sessions come to together, as it is written down, and in ``folded`` which they are.

    Example:
        >>> of = identity_of("sess_1", None)
        >>> told = folded({of: Counter({("runs",): 2})})
        >>> told[1], folded_among(told, {short(of): "sess_1"})
        (['runs', 2], {'sess_1'})
    """
    together: Counters = Counter()
    for each in every.values():
        together.update(each)
    packed = b"".join(filter(None, map(short, every)))
    return [[FOLDED, b64encode(packed).decode(), 0], *as_json(together)]


def folded_among(told: Any, wanted: Mapping[bytes, T]) -> set[T]:
    """Return which of these, by what ``short`` gives of them, are in numbers that were written down together."""
    found: set[T] = set()
    for each in told if isinstance(told, list) else ():
        if isinstance(each, list) and len(each) > 1 and each[0] == FOLDED and isinstance(each[1], str):
            packed = b""
            with contextlib.suppress(ValueError):
                packed = b64decode(each[1])
            pieces = (packed[place : place + _BYTES] for place in range(0, len(packed), _BYTES))
            found.update(wanted[piece] for piece in pieces if piece in wanted)
    return found


def as_json(counters: Counters) -> list[list[str | int]]:
    """Return counters as they are written down; those that are 0 are left out."""
    return [[*name, count] for name, count in sorted(counters.items()) if count]


def from_json(told: Any) -> Counters:
    """Return the counters that were written down; what is none is passed by.

    Example:
        >>> from_json(as_json(Counter({("errors", "tool"): 2})))
        Counter({('errors', 'tool'): 2})
    """
    found: Counters = Counter()
    for each in told if isinstance(told, list) else ():
        if isinstance(each, list) and len(each) > 1:
            *name, count = each
            if name[0] != FOLDED and isinstance(count, int) and all(isinstance(part, str) for part in name):
                found[tuple(name)] += count
    return found


def _upto(value: float, bounds: Sequence[float]) -> str:
    place = bisect_left(bounds, value)
    return str(bounds[place]) if place < len(bounds) else "+Inf"
