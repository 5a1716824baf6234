"""``tfclient open``: what is in a bundle that somebody sent, by any command."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.printing import say, stdout

if TYPE_CHECKING:
    from tfstore.bundles.unpacking import Opened

_NOT_INSIDE: Final = frozenset({"open", "run", "demo"})
"""Commands that are about no store, or record into one."""

_RECORDING: Final = frozenset({"replay", "again"})
"""Commands whose session would go with the copy."""


def open_(
    ctx: typer.Context,
    bundle: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `tfclient bundle` wrote.", show_default=False)
    ],
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            help="A command with its arguments: show, view, verify …",
            show_default=False,
        ),
    ] = None,
    *,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="Unpack it there, and keep it.", show_default=False),
    ] = None,
) -> None:
    """Look into a bundle: unpack it to a folder that only you can read, and run a command there.

    Options of the command stand behind it, those of this one before FILE. The folder goes when the command has ended,
    unless --into names it; without a command it is told and stays.

    Nothing in a bundle is believed: names, sizes and digests are looked at first, nothing of it is run, and the page
    that `view` shows is made of the document, not taken from the file.
    """
    from tfstore.bundles.unpacking import unpack
    from tfstore.disk.paths import StorePaths

    words = command or []
    if words and words[0] in _NOT_INSIDE:
        raise Refused(f"`tfclient {words[0]}` does not read a store: it cannot be run in a bundle.", USAGE)
    if not bundle.is_file():
        raise Refused(f"There is no file {bundle}.", USAGE)
    if words and words[0] in _RECORDING and into is None:
        raise Refused(_kept_nowhere(words[0], bundle), USAGE)
    if into is not None and into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise Refused(f"{into} is there already and not empty: name another folder with --into.", USAGE)
    folder = into or Path(tempfile.mkdtemp(prefix="tfclient-open-"))
    stays = into is not None or not words
    root = folder if into is not None else folder / "store"
    try:
        try:
            # It may be a link: which file is meant is the user's choice.
            opened = unpack(bundle.resolve(), StorePaths(root))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if words:
            _run(ctx, root, words)
        else:
            _tell(opened, root)
    finally:
        if not stays:
            shutil.rmtree(folder, ignore_errors=True)


def _kept_nowhere(command: str, bundle: Path) -> str:
    file = shlex.quote(str(bundle))
    played = f"`tfclient replay {file} PROGRAM` plays it as it is; or " if command == "replay" else ""
    return (
        f"`tfclient {command}` records a session, which would go with this copy: {played}"
        f"keep the copy, with `tfclient open --into FOLDER {file} {command} …`."
    )


def _run(ctx: typer.Context, root: Path, words: list[str]) -> None:
    """Run a command as if the bundle's store were the one of this folder."""
    parent: Any = ctx.find_root()
    before = os.environ.get("THOUGHTFLOW_DIR")
    os.environ["THOUGHTFLOW_DIR"] = str(root)
    try:
        parent.command.main(args=words, prog_name=f"{parent.info_name}", standalone_mode=True)
    finally:
        if before is None:
            os.environ.pop("THOUGHTFLOW_DIR", None)
        else:
            os.environ["THOUGHTFLOW_DIR"] = before


def _tell(opened: Opened, root: Path) -> None:
    from rich.text import Text

    from tfclient.cli.invocation import as_typed
    from tfstore.reading.plain_text import clean

    def told(name: str, key: str) -> str:
        value = opened.told.get(name)
        return clean(str(value.get(key))) if isinstance(value, dict) else "?"

    console = stdout()
    console.print(Text(clean(opened.session_id)), soft_wrap=True)
    console.print(Text(f"replay: {told('replay', 'level')}, {told('replay', 'why')}", "dim"), soft_wrap=True)
    say(str(root))
    console.print(
        Text(f"`{as_typed()} show --store {root}` shows it; remove the folder when you are done.", "dim"),
        soft_wrap=True,
    )
