"""The kinds that are built in, by families; the order is that of the documentation."""

from __future__ import annotations

from typing import Final

from tfclient.reflect.findings.kind import Kind
from tfclient.reflect.findings.kinds import (
    arguments,
    context,
    model_answers,
    model_calls,
    on_words,
    repetitions,
    slowness,
    tool_answers,
)

BUILT_IN: Final[tuple[Kind, ...]] = (
    *model_calls.KINDS,
    *tool_answers.KINDS,
    *repetitions.KINDS,
    *arguments.KINDS,
    *model_answers.KINDS,
    *context.KINDS,
    *slowness.KINDS,
    *on_words.KINDS,
)
