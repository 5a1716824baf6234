"""Calls that would cost money in a test that nobody records: refused, and the test fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.errors import TfclientError

if TYPE_CHECKING:
    from collections.abc import Callable


class WouldGoLive(TfclientError):
    """A test called the real API, which ``tf_block_live`` forbids."""

    def __init__(self) -> None:
        super().__init__(
            "This test calls the real API, and tf_block_live is set: use the fixture `thoughtflow`, "
            "or mark it with @pytest.mark.thoughtflow(live=True)."
        )


class LiveBlock:
    """Answers every traced client with a refusal; ``tried`` says that somebody asked."""

    def __init__(self) -> None:
        self.tried = False

    def _refuse(self) -> WouldGoLive:
        self.tried = True
        return WouldGoLive()

    def connecting(self, connect: Any, client: Any) -> None:  # noqa: ARG002 - names of the seam
        """Refuse a socket.

        Raises:
            WouldGoLive: always.
        """
        raise self._refuse()

    def asking(self, parent: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG002 - nothing is asked
        """Return what refuses a call."""

        def refused(*_: Any, **__: Any) -> Any:
            raise self._refuse()

        return refused

    def asking_async(self, parent: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG002 - as above
        """Return what refuses an asynchronous call."""

        async def refused(*_: Any, **__: Any) -> Any:
            raise self._refuse()

        return refused

    sending, sending_async = asking, asking_async

    def about(self) -> dict[str, Any]:
        """A session of it is no replay of anything."""
        return {"kind": "replay"}

    def left(self) -> dict[str, Any]:
        """Nothing is left."""
        return self.about()

    def recorded_in(self, session_id: str) -> None:
        """It does not matter where."""
