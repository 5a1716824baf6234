"""A session as a chat: messages only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.text import Text

from tfclient.cli.lines.blocks import block
from tfd2.columns import one_line
from tfstore.document.documents import Run
from tfstore.reading.figures import joined
from tfstore.reading.messages import messages

INDENT: Final = 2
_STYLES: Final = {"user": "bold cyan", "assistant": "bold blue"}


def transcript_of(runs: Iterable[Run], width: int) -> Iterator[Text]:
    """Yield the lines of a chat."""
    said = False
    for message in messages(runs):
        if said:
            yield Text()
        said = True
        where = joined(message.run_id.replace("_", " "), (message.at or "")[11:19], message.remark)
        role = one_line(message.role, 20)
        yield Text.assemble((role.upper(), _STYLES.get(role, "bold")), (f"  {one_line(where, 60)}", "dim"))
        for line in block(message.text, width - INDENT):
            yield Text(f"{' ' * INDENT}{line}" if line else "")
    if not said:
        yield Text("Nobody said anything.", "dim")
