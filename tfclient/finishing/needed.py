"""What the background thread imports before its first work, so that nothing is imported in the middle of some."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tfstore.disk.paths import StorePaths

NEEDED: Final = (
    *("attrs", "tfstore.errors", "tfstore.document.documents", "tfstore.document.references"),
    *("tfstore.reading.content_parts", "tfclient.projection.wire.bodies", "tfclient.finishing.drift"),
    *("tfclient.projection.api.items", "tfclient.projection.api.chat", "tfclient.projection.api.responses"),
    *("tfclient.projection.lineage.book", "tfclient.projection.wire.growing", "tfclient.projection.wire.sse"),
    *(
        "tfclient.projection.wire.attempt",
        "tfclient.projection.steps.call_state",
        "tfclient.projection.calls",
    ),
    *("tfclient.projection.lineage.lineage_index", "tfclient.projection.lineage.run_choice"),
    *("tfclient.projection.steps.echoes", "tfclient.projection.steps.other_calls"),
    *("tfclient.projection.steps.provenance", "tfclient.projection.steps.request_steps"),
    *("tfclient.projection.steps.response_steps", "tfclient.projection.steps.tool_hooks"),
    *("tfclient.projection.steps.tool_steps", "tfclient.projection.weight.lightener"),
    *("tfclient.projection.steps.steering", "tfclient.projection.sockets.answers"),
    *("tfclient.projection.sockets.connection", "tfclient.projection.sockets.conversation"),
    *("tfclient.projection.sockets.session_config", "tfclient.projection.sockets.speech"),
    *("tfclient.projection.sockets.playback", "tfclient.projection.sockets.sent_items"),
    *("tfclient.projection.sockets.requests", "tfclient.projection.sockets.taken_up"),
    *("tfclient.projection.sockets.call_step", "tfclient.projection.sockets.responses"),
    *("tfclient.projection.sockets.errors", "tfclient.projection.sockets.talk"),
    "tfclient.projection.sockets.realtime",
    "tfclient.projection.sockets.sockets",
    *("tfclient.projection.projector", "tfstore.journal.archive", "tfstore.journal.segment_reader"),
    *("tfstore.journal.reading", "tfstore.disk.blobs", "tinydb.queries", "tinydb", "cattrs._compat"),
    *("cattrs.errors", "cattrs.dispatch", "cattrs.gen", "cattrs.cols", "cattrs.converters", "cattrs"),
    *("tfstore.document.converter", "tfstore.document.text", "tfstore.disk.session_folder"),
    *(
        "sqlite3",
        "tfstore.index.catching_up",
        "tfstore.index.session_index",
        "tfstore.reading.descent",
        "tfstore.reading.designed_ends",
        "tfstore.reading.messages",
    ),
    *(
        "tfstore.either_store",
        "tfstore.noting",
        "tfstore.store",
        "rich.cells",
        "tfstore.reading.plain_text",
        "tfstore.reading.facts",
        "tfstore.reading.step_words",
    ),
    *("tfd2.emit", "tfd2.steps", "tfd2.cards", "tfd2.containers", "tfd2.timeline", "tfd2"),
    *("tfstore.journal.zstd", "tfclient.finishing.live", "tfclient.finishing.last_steps"),
    *("tfclient.finishing.helper", "tfclient.finishing.recovery", "tfstore.disk.operations"),
)
"""What the thread needs, so ordered that each brings little along: the program has its turn in between."""


def needed_to_learn(paths: StorePaths) -> tuple[str, ...]:
    """Return what the thread needs besides, where sessions are learnt from."""
    learning = sys.modules.get("tfclient.finishing.learning")
    if learning is None:
        # Whoever wants it has imported it.
        return ()
    needed: tuple[str, ...] = learning.NEEDED if learning.is_learnt(paths) else ()
    return needed
