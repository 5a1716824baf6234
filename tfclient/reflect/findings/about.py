"""Which findings are about certain steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tfclient.reflect.findings.citing import Finding


def about_steps(findings: Sequence[Finding], step_ids: Collection[str]) -> list[Finding]:
    """Return the findings that rest on any of these steps, in their order.

    Example:
        >>> about_steps([], {"step_1_4"})
        []
    """
    wanted = set(step_ids)
    return [each for each in findings if not wanted.isdisjoint(each.steps)]
