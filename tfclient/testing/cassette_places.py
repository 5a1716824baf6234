"""Where the cassette of a test lies: ``cassettes/<module>/<test>.yaml`` beside its module."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}", re.ASCII)
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_.\[\]-]+", re.ASCII)


def cassette_of(module: Path, test: str) -> Path:
    """Return where a test's cassette is.

    Args:
        module: the test's file.
        test: its name in there, with its class and the ids of its parameters.

    Example:
        >>> cassette_of(Path("tests/test_agent.py"), "test_ask[Oslo]").as_posix()
        'tests/cassettes/test_agent/test_ask[Oslo].yaml'
        >>> cassette_of(Path("tests/test_agent.py"), "test_ask[São Paulo/x]").name
        'test_ask[S_o_Paulo_x]-b08f3eb9.yaml'
    """
    return module.parent / "cassettes" / module.stem / f"{file_name(test)}.yaml"


def file_name(test: str) -> str:
    """Return a name that any file system takes, another one for each test."""
    if _PLAIN.fullmatch(test):
        return test
    # Of two that differ in what no file name may have, both are kept apart by their digests.
    return f"{_NOT_PLAIN.sub('_', test)[:80]}-{sha256(test.encode()).hexdigest()[:8]}"
