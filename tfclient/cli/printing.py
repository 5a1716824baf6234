"""Where words go: results to stdout, complaints to stderr, colour only where it is wanted.

What users and models wrote is always printed as text: never as markup, and control characters as pictures of
themselves, so that no recording can move the cursor or repaint the screen.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import typer

_OBEYED: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")
"""What JSON leaves as it is and a terminal acts upon: the controls beyond ASCII, and those that turn text round."""

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


PIPED: Final = 3_000
"""Columns where no terminal is: what goes to a file or another program is as wide as it needs to be."""

LEAST: Final = 8
"""Columns of a terminal at least: what says that it has fewer, as ``COLUMNS=0`` does, does not know."""


def stdout() -> Console:
    """Return the console for results."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console for what is not a result: progress, warnings, errors."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.file.isatty() and not os.environ.get("COLUMNS"):
        console.width = PIPED
    elif console.width < LEAST:
        console.width = 80
    return console


def print_lines(lines: Iterable[Text], console: Console | None = None) -> None:
    """Print lines that were made for the terminal's width, unbroken."""
    console = console or stdout()
    for line in lines:
        console.print(line, soft_wrap=True)


def complain(message: str, style: str = "red") -> None:
    """Say on stderr what is wrong, unbroken so that paths can be copied."""
    from tfstore.reading.plain_text import clean

    stderr().print(clean(message), style=style, soft_wrap=True)


def remark(message: str) -> None:
    """Say on stderr what is worth knowing and not wrong."""
    complain(message, "dim")


def say(text: str) -> None:
    """Print a line as it is: a path, an id."""
    typer.echo(text)


def print_json(value: Any) -> None:
    """Print a value as JSON in UTF-8, whatever the terminal's encoding."""
    from tfstore.document.json_text import readable

    typer.echo(harmless(readable(value)), nl=False)


def harmless(json_text: bytes) -> bytes:
    r"""Return JSON that is equal, and in which nothing is left that a terminal would obey: escapes stand for it.

    Example:
        >>> harmless('["one \x9b31m two \u202e"]'.encode()).decode()
        '["one \\u009b31m two \\u202e"]'
    """
    if json_text.isascii() and b"\x7f" not in json_text:
        return json_text
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text.decode()).encode()


def tolerant() -> None:
    """Let stdout and stderr print what their encoding does not have as question marks, not as exceptions."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="replace")
