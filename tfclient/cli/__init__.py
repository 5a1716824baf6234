"""The command ``tfclient``: one file a command.

Only ``main`` is here, and it imports typer and rich when it runs: programs that record never pay for them.
"""

from __future__ import annotations


def main() -> None:
    """Run the command with the arguments of this process."""
    import sys

    if sys.argv[1:2] == ["run"]:
        from tfclient.cli.running import run_program, wanted

        program = wanted(sys.argv[2:])
        if program is not None:
            run_program(program[0], as_module=program[1])
            return
    from tfclient.cli.app import app
    from tfclient.cli.printing import tolerant

    tolerant()
    app(prog_name="tfclient")
