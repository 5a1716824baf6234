"""``tfclient d2``: a session's diagram, as D2 text or as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import open_store, shown_session
from tfclient.cli.options import JsonOption, SessionArgument, StoreOption
from tfclient.cli.printing import print_json, remark, say
from tfstore.meant import LAST, on_disk

if TYPE_CHECKING:
    from tfstore.protocols import Reading

Format = Literal["svg", "png"]
PICTURES = "pictures"
"""The folder in the store where pictures go: one folder a session, so that their links to each other hold."""

ROOT = "index"
STDOUT = Path("-")


def d2(
    session: SessionArgument = LAST,
    *,
    svg: Annotated[bool, typer.Option("--svg", help="Draw SVG pictures.")] = False,
    png: Annotated[bool, typer.Option("--png", help="Draw PNG pictures.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where to; a folder gets all boards, - is stdout.",
            show_default=False,
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option("--board", metavar="NAME", help="Only this one: index, run_2, run_2_loop_1, lineage …"),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a session's diagram, drawing it where it is missing.

    Pictures need the d2 program (pip install 'tfclient[d2]'). All boards go into one folder of the store, linked
    to each other; with -o FILE only one goes there, the overview unless --board names another. A board that is
    drawn alone has links only to those that are beside it already.

    With --json: {session_id, format, path, boards: {name: path}}; boards is empty for D2 text.
    """
    fmt: Format | None = "svg" if svg else "png" if png else None
    for wrong, reason in (
        (svg and png, "Give --svg or --png, not both."),
        (as_json and output == STDOUT, "--json and -o - both want stdout: give one of them."),
        (board and fmt is None, "--board is about pictures: add --svg or --png."),
    ):
        if wrong:
            raise Refused(reason, USAGE)
    opened = open_store(store)
    if output is None and on_disk(opened) is None:
        raise Refused("This store is a database, which holds no diagrams: say where to with -o.", USAGE)
    session_id = shown_session(opened, session)
    boards: dict[str, Path] = {}
    if fmt is None:
        target, text = _diagram(opened, session_id)
        if output is not None:
            target = output / target.name if output.is_dir() else output
            _write({target: text.encode()})
    else:
        boards = _draw(opened, session_id, fmt, output, board)
        target = boards.get(ROOT) or next(iter(boards.values()))
    if as_json:
        paths = {name: str(each) for name, each in boards.items()}
        print_json({"session_id": session_id, "format": fmt or "d2", "path": str(target), "boards": paths})
    elif output != STDOUT:
        say(str(target))
        if len(boards) > 1:
            remark(f"{len(boards)} boards, linked to each other: {', '.join(boards)}.")


def _draw(
    store: Reading, session_id: str, fmt: Format, output: Path | None, board: str | None
) -> dict[str, Path]:
    """Draw pictures and return where they are, by board."""
    from tfd2 import compile_d2, find_compiler
    from tfd2.emit import without_links

    find_compiler()  # first of all: without it there is nothing to do
    _, text = _diagram(store, session_id)
    if output is not None and not output.is_dir():
        pictures = compile_d2(without_links(text), fmt, board=board or ROOT)
        boards = dict.fromkeys(pictures, output)
    else:
        folder = output or _pictures_of(store, session_id)
        if board is not None:
            text = without_links(text, {each.stem for each in folder.glob(f"*.{fmt}")})
        pictures = compile_d2(text, fmt, board=board)
        boards = {name: folder / f"{name}.{fmt}" for name in pictures}
    _write({boards[name]: data for name, data in pictures.items()}, ours=output is None)
    return boards


def _diagram(store: Reading, session_id: str) -> tuple[Path, str]:
    """Return the diagram's path and text, drawn anew when it is missing or the session goes on.

    A database holds none: of it, the path is what a file would be called.
    """
    from tfd2 import draw
    from tfstore.disk.files import replace_file

    here = on_disk(store)
    path = Path(f"{session_id}.d2") if here is None else here.paths.diagram(session_id)
    session = store.get(session_id)
    if here is not None and path.is_file() and session.status == "closed":
        return path, path.read_text(encoding="utf-8", errors="replace")
    try:
        text = draw(session)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise Refused(f"The diagram of session {session_id} could not be drawn ({reason}).") from error
    if here is not None:
        replace_file(path, text.encode("utf-8", "replace"))
    return path, text


def _pictures_of(store: Reading, session_id: str) -> Path:
    here = on_disk(store)
    if here is None:
        raise Refused("This store is a database, which holds no pictures: say where to with -o.", USAGE)
    folder = here.paths.make_dir(here.paths.root / PICTURES)
    return here.paths.make_dir(folder / session_id)


def _write(files: dict[Path, bytes], *, ours: bool = False) -> None:
    from tfstore.disk.files import replace_file

    for path, data in files.items():
        try:
            if path == STDOUT:
                typer.echo(data, nl=False)
            elif ours:
                replace_file(path, data)
            else:
                # In place: what the user names may be a link or a device.
                path.write_bytes(data)
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror or error}.") from error
