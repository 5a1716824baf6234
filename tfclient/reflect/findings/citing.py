"""A finding: one thing that is wrong, the steps it rests on, and how sure it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import asdict, field, frozen

from tfstore.document.documents import Step
from tfstore.reading.facts import StepFacts

Severity: TypeAlias = Literal["high", "medium", "low", "info"]
Certainty: TypeAlias = Literal["observed", "heuristic"]

SEVERITIES: Final[tuple[Severity, ...]] = ("high", "medium", "low", "info")
"""The worst first. ``high`` is broken; ``info`` is no fault, or not yet known to be one."""

CERTAINTIES: Final[tuple[Certainty, ...]] = ("observed", "heuristic")

Citable: TypeAlias = "StepFacts | Step | str"
"""A step, with or without what is known of it, or its id."""


@frozen
class Finding:
    """One thing that was found; ``says`` is one line, in which recorded text is quoted.

    ``id`` is a digest of the kind and the steps, so that it stays when the document is made again. ``steps`` are the
    ids of the steps that it rests on, the most telling first; ``data`` what was counted or compared.
    """

    id: str
    kind: str
    severity: Severity
    certainty: Certainty
    run_id: str
    steps: list[str]
    says: str
    data: dict[str, Any] = field(factory=dict[str, Any])

    def as_json(self) -> dict[str, Any]:
        """Return the finding as it stands in JSON."""
        return asdict(self)


@frozen
class Cited:
    """What a kind of finding yields: the steps that it rests on, and what there is to say, in one line.

    Args:
        steps: the steps, or their ids, the most telling first; at least one.
        says: one line; quote what was recorded with ``tfclient.reflect.quoting.quoted``.
        severity: where it is another than the kind's.
        certainty: where it is another than the kind's.
        data: what was counted or compared, as JSON.

    Example:
        >>> Cited(["step_1_4"], "an answer without a source").steps
        ['step_1_4']
    """

    steps: Sequence[Citable]
    says: str
    severity: Severity | None = None
    certainty: Certainty | None = None
    data: dict[str, Any] = field(factory=dict[str, Any])


def id_of(kind: str, steps: Iterable[str]) -> str:
    """Return a finding's id.

    Example:
        >>> id_of("run_failed", ["step_1_4"])
        'f_8a53d947'
    """
    words = "\n".join((kind, *steps)).encode("utf-8", "surrogatepass")
    return f"f_{hashlib.sha256(words).hexdigest()[:8]}"


def step_id(cited: Citable) -> str:
    """Return the id of a step that is cited."""
    if isinstance(cited, StepFacts):
        return cited.step.step_id
    if isinstance(cited, Step | str):
        return cited if isinstance(cited, str) else cited.step_id
    raise TypeError(f"a {type(cited).__name__} is no step")
