"""The command ``tfclient``: one file a command.

Only ``main`` is here, and it imports typer and rich when it runs: programs that record never pay for them.
"""

from __future__ import annotations


def main() -> None:
    """Run the command with the arguments of this process."""
    from tfclient.cli.app import app
    from tfclient.cli.printing import tolerant

    tolerant()
    app(prog_name="tfclient")
