"""``tfclient run``: a program as Python runs it, and every client in it is recorded."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="A file, or with -m a module.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGS…", help="The program's own.")] = None,
    *,
    module: Annotated[bool, typer.Option("-m", help="Run a module, as python -m does.")] = False,
) -> None:
    """Run a Python program, and record every client in it.

    Nothing of the program has to be changed. It runs in this process: its arguments, exit status, tracebacks and
    signals are those that it has with Python. Programs that it starts are recorded too, where tfclient is installed
    from a wheel. The store is THOUGHTFLOW_DIR, else ./.thoughtflow.
    """
    from tfclient.cli.running import run_program

    run_program([program, *(arguments or ())], as_module=module)
