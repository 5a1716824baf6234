"""A kind of finding: what looks for it, and what its findings are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from attrs import frozen

from tfclient.reflect.findings.citing import Certainty, Cited, Severity
from tfclient.reflect.findings.effects import Effects
from tfstore.reading.evidence.evidence import Evidence

Look: TypeAlias = Callable[[Evidence, Effects], Iterable[Cited]]


@frozen
class Kind:
    """A kind of finding: what looks for it, and what is said of its findings unless they say otherwise.

    ``on_trial`` kinds are of severity ``info`` until enough real ones were judged; ``off`` kinds are looked for only
    where they are named. ``needs`` is a package that looking for it takes.
    """

    name: str
    look: Look
    severity: Severity
    certainty: Certainty = "observed"
    on_trial: bool = False
    off: bool = False
    needs: str = ""
    own: bool = False


def kind(
    name: str,
    severity: Severity,
    certainty: Certainty = "observed",
    *,
    on_trial: bool = False,
    off: bool = False,
    needs: str = "",
) -> Callable[[Look], Kind]:
    """Make a built-in kind of the function that looks for it."""

    def made(look: Look) -> Kind:
        return Kind(name, look, severity, certainty, on_trial=on_trial, off=off, needs=needs)

    return made
