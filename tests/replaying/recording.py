"""A program recorded against the scripted server, then played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define

import tfclient
from tfstore.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.capture.driver import Driver
    from tests.server.replies import Reply
    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder
    from tfclient.sessions.handle import SessionHandle
    from tfstore.document.documents import Session

    Program = Callable[[Driver, Any], Any]


@define
class Studio:
    """Where one recording is made."""

    drive: Driver
    server: ScriptedServer
    recorder: Recorder
    close: Callable[[], None]
    session_id: str = ""

    @property
    def store(self) -> Store:
        return Store(self.recorder.settings.directory)

    def record(self, program: Program, *replies: Reply, **client: Any) -> Any:
        """Run a program live; give what it gives, or the exception that ended it."""
        self.server.script(*replies)
        result = outcome(program, self.drive, self.drive.traced(self.recorder, **client))
        self.session_id = self.ended().id
        self.close()
        return result

    def play(self, program: Program, client: dict[str, Any] | None = None, **options: Any) -> Any:
        """Run a program on what was recorded."""
        with tfclient.replay(self.session_id, **options):
            return outcome(program, self.drive, self.drive.traced(self.recorder, **(client or {})))

    def ended(self) -> SessionHandle:
        handle = self.recorder.end_session()
        assert handle is not None
        assert handle.wait(60), (handle.error, self.recorder.health)
        return handle

    def both(self) -> tuple[Session, Session]:
        """The recorded session, and that of what was played since."""
        return self.store.get(self.session_id), self.store.get(self.ended().id)


def outcome(program: Program, drive: Driver, client: Any) -> Any:
    """What a program gives, or the class and the words of the exception that ended it."""
    try:
        return program(drive, client)
    except tfclient.ReplayMiss:
        raise
    except Exception as error:  # noqa: BLE001 - that is what is compared
        # Of openai 2 the cause is of httpcore, which is not under a replay.
        return type(error), str(error), type(error.__cause__).__name__
