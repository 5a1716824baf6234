"""Where a command writes a file that is to be passed on: over another one only where that is asked for, or usual."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from tfclient.cli.failures import USAGE, Refused

STDOUT: Final = Path("-")

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help="Where to; - is stdout. Else a file here that is called as the session.",
        show_default=False,
    ),
]

ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")]


def look_at_stdout(output: Path | None, *, as_json: bool) -> None:
    """Look whether only one of the two is to go to stdout.

    Raises:
        Refused: both are.
    """
    if as_json and output == STDOUT:
        raise Refused("--json and -o - both want stdout: give one of them.", USAGE)


def target_of(output: Path | None, name: str, *, force: bool) -> Path:
    """Return where to write: the path that was given, in it if it is a folder, or that name here.

    Raises:
        Refused: there is a file already, or the folder does not exist.
    """
    target = output or Path(name)
    if target.is_dir():
        target /= name
    if target.exists() and not force:
        raise Refused(
            f"{target} is there already: name another file with -o, or write over it with --force.", USAGE
        )
    if not target.parent.is_dir():
        raise Refused(
            f"{target} cannot be written (there is no folder {target.parent}): name another place with -o."
        )
    return target


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Say where it was that something could not be written.

    Raises:
        Refused: it could not.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise Refused(f"{target} cannot be written ({reason}): name another place with -o.") from error


def write_out(text: bytes, output: Path | None, name: str, *, force: bool) -> Path | None:
    """Write a text where it is asked for, or to that name here; return where, None for stdout.

    Raises:
        Refused: it cannot be written there.
    """
    if output == STDOUT:
        typer.get_binary_stream("stdout").write(text)
        return None
    target = target_of(output, name, force=force)
    with writing(target):
        target.write_bytes(text)
    return target


def write_pieces(pieces: Iterator[bytes], output: Path | None, name: str, *, force: bool) -> Path | None:
    """Write a file that comes in pieces, whole or not at all, for nobody else to read; return where, None for stdout.

    Raises:
        Refused: it cannot be written there.
    """
    from tfstore.disk.files import replace_file

    if output == STDOUT:
        out = typer.get_binary_stream("stdout")
        for piece in pieces:
            out.write(piece)
        return None
    target = target_of(output, name, force=force)
    with writing(target):
        replace_file(target, pieces)
    return target
