"""Code that is not ours, with an end to it: what takes too long is left behind, and the command goes on."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from tfclient.cli.failures import USAGE, Refused

T = TypeVar("T")

SECONDS: Final = 10.0
"""How long one kind of finding that is not built in may look through one session."""


def limited(name: str, call: Callable[[], T]) -> T:
    """Return what a function gives, if it does within ten seconds.

    It runs in a thread of its own that nothing waits for at the end: Python has no way to stop it. What never lets go
    of the interpreter, as some extensions do, is not bounded.

    Raises:
        TimeoutError: it took longer.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(call())
        except BaseException as error:  # noqa: BLE001 - told where it was asked for
            raised.append(error)

    thread = threading.Thread(target=run, name=f"finding {name}", daemon=True)
    thread.start()
    thread.join(SECONDS)
    if given:
        return given[0]
    if raised:
        error = raised[0]
        raise error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
    raise TimeoutError(f"it took more than {SECONDS:g} s")


def load(path: Path) -> None:
    """Run a Python file, so that the kinds of findings in it are there.

    Raises:
        Refused: there is no such file, or running it raised.
    """
    spec = importlib.util.spec_from_file_location(f"tfclient_findings_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise Refused(
            f"There is no Python file at {path}: give the path of one that defines findings.", USAGE
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        words = " ".join(str(error).split())
        raise Refused(
            f"{path} defines findings, and raised {type(error).__name__}: {words}", USAGE
        ) from error
