"""Two documents of one session compared: what of session, runs and steps is not the same, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tfstore.document.documents import Json

_NAMED: Final = 5
_DEPTH: Final = 8


def differences(path: str, said: Json, made: Json) -> Iterator[str]:
    """Yield what the document at ``path`` says otherwise than the one that its journal makes.

    Example:
        >>> said = {"title": "Hi", "result": "failed", "runs": []}
        >>> list(differences("s.json", said, {**said, "result": "completed"}))
        ['s.json says something else than its journal: result.']
    """
    count = 0
    for name, one, other in _parts(said, made):
        subject = path if name is None else f"{name} in {path}"
        if one is None:
            yield f"{name} is in the journal and not in {path}."
        elif other is None:
            yield f"{name} is in {path} and not in its journal."
        elif fields := list(_fields(one, other)):
            more = len(fields) - _NAMED
            shown = ", ".join(fields[:_NAMED]) + (f" and {more} more" if more > 0 else "")
            yield f"{subject} says something else than its journal: {shown}."
        else:
            continue
        count += 1
    if not count:
        yield f"{path} is laid out or ordered otherwise than it was written."


def _parts(said: Json, made: Json) -> Iterator[tuple[str | None, Json | None, Json | None]]:
    """Yield the session itself without its runs, each run without its steps, and each step, of both documents."""
    yield None, _without(said, "runs"), _without(made, "runs")
    for part in (_runs, _steps):
        ours, theirs = part(said), part(made)
        for name in dict.fromkeys([*ours, *theirs]):
            yield name, ours.get(name), theirs.get(name)


def _without(part: Json, key: str) -> Json:
    return {name: value for name, value in part.items() if name != key}


def _runs(document: Json) -> dict[str, Json]:
    return {run["run_id"]: _without(run, "steps") for run in document["runs"]}


def _steps(document: Json) -> dict[str, Json]:
    steps = ((run, step) for run in document["runs"] for step in run.get("steps", ()))
    return {step["step_id"]: {**step, "run": run["run_id"]} for run, step in steps}


def _fields(said: Any, made: Any, name: str = "", depth: int = _DEPTH) -> Iterator[str]:
    if type(said) is type(made) and depth:
        if isinstance(said, dict):
            for key in dict.fromkeys([*said, *made]):
                here = f"{name}.{key}" if name else str(key)
                if key in said and key in made:
                    yield from _fields(said[key], made[key], here, depth - 1)
                else:
                    yield here
            return
        if isinstance(said, list) and len(said) == len(made):
            for place, (one, other) in enumerate(zip(said, made, strict=True)):
                yield from _fields(one, other, f"{name}[{place}]", depth - 1)
            return
    if type(said) is not type(made) or said != made:
        yield name
