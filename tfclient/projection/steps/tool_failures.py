"""What counts as a failed tool. A plain text that merely begins with "Error" does not."""

from __future__ import annotations

import json
from typing import Any

from tfclient.projection.api.items import Item


def failure_evidence(item: Item) -> str | None:
    """Return what shows that this output is a failure, or None.

    Evidence: ``status`` of ``failed`` or ``incomplete``, an MCP ``error``, ``is_error`` beside the output, a shell exit
    code other than 0, or an output that is a JSON object with a truthy ``error``, ``is_error`` or ``isError``.
    """
    if item.status in {"failed", "incomplete"}:
        return f"status:{item.status}"
    if item.raw.get("error"):
        return "error"
    if item.raw.get("is_error") is True:
        return "is_error"
    exit_evidence = _shell_exit(item.output)
    if exit_evidence is not None:
        return exit_evidence
    return _json_error(item.output)


def _shell_exit(output: Any) -> str | None:
    if not isinstance(output, list):
        return None
    for part in output:
        outcome = part.get("outcome") if isinstance(part, dict) else None
        if not isinstance(outcome, dict):
            continue
        if outcome.get("type") == "timeout":
            return "outcome:timeout"
        code = outcome.get("exit_code")
        if isinstance(code, int) and code != 0:
            return f"exit_code:{code}"
    return None


def _json_error(output: Any) -> str | None:
    if isinstance(output, str):
        text = output.strip()
        if not text.startswith("{"):
            return None
        try:
            output = json.loads(text)
        except (ValueError, RecursionError):
            return None
    if isinstance(output, dict):
        for key in ("error", "is_error", "isError"):
            if output.get(key):
                return f"output.{key}"
    return None


def failure_message(item: Item) -> str:
    """Return the words in which a failed tool says what went wrong."""
    error = item.raw.get("error")
    if error:
        return _words(error)
    output = item.output
    if isinstance(output, str):
        try:
            parsed = json.loads(output)
        except (ValueError, RecursionError):
            return output
        output = parsed if isinstance(parsed, dict) else output
    if isinstance(output, dict) and output.get("error"):
        return _words(output["error"])
    if isinstance(output, list):
        texts = [str(p.get("stderr") or p.get("text") or "") for p in output if isinstance(p, dict)]
        return "\n".join(text for text in texts if text) or "the tool failed"
    return output if isinstance(output, str) else _words(output)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        for key in ("message", "content", "detail", "error"):
            if isinstance(value.get(key), str):
                return str(value[key])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
