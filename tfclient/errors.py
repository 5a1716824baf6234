"""Mistakes in using the recorder itself. A model call never raises one of these, unless it is replayed.

* TfclientError
    * SettingError (ValueError)
    * SessionEnded (RuntimeError)
    * SessionStillOpen (RuntimeError)
    * ReplayRefused
    * ReplayMiss
    * NotAllPlayed
    * PackageMissing
    * BadPrices (ValueError)
    * BadEndpoint (ValueError)
    * EndpointDown

The store's own errors are in ``tfstore.errors``.
"""

from __future__ import annotations


class TfclientError(Exception):
    """Anything that a program did wrong with the recorder's own interface."""


class SettingError(TfclientError, ValueError):
    """A setting given as an argument has a value that it cannot have."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: give {expected}.")
        self.name = name
        self.value = value
        self.expected = expected


class SessionEnded(TfclientError, RuntimeError):
    """A session was entered after its end."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} has ended: begin another one with client.session().")
        self.session_id = session_id


class SessionStillOpen(TfclientError, RuntimeError):
    """Somebody waits without limit for the files of a session that nobody has ended."""

    def __init__(self, session_id: str) -> None:
        super().__init__(
            f"Session {session_id} is still open, so its final files are not being written: "
            "end it first (client.end_session(), or leave its with block), or wait with a timeout."
        )
        self.session_id = session_id


class ReplayRefused(TfclientError):
    """A recording cannot be played."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} cannot be replayed: {reason.rstrip('.')}.")
        self.name = name
        self.reason = reason


class ReplayMiss(TfclientError):
    """A program made a request that the recording has no answer to.

    It is none of the SDK's errors: programs catch those and go on. ``differences`` are the places in which the
    request differs from the nearest that is left, ``nearest`` the ``exchange_id`` of that; None where there is none.
    """

    def __init__(
        self, message: str, *, nearest: str | None = None, differences: tuple[object, ...] = ()
    ) -> None:
        super().__init__(message)
        self.nearest = nearest
        self.differences = differences


class NotAllPlayed(TfclientError):
    """A replay ended, and some of the recorded requests were never made; ``left`` are their ``exchange_id``s."""

    def __init__(self, message: str, left: tuple[str, ...]) -> None:
        super().__init__(message)
        self.left = left


class PackageMissing(TfclientError):
    """Something takes a package that comes with an extra of this one, which is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        sentence = f"{what[:1].upper()}{what[1:]} needs what is not installed"
        super().__init__(f'{sentence}: pip install "tfclient[{extra}]".')
        self.extra = extra


class BadPrices(TfclientError, ValueError):
    """A file is no table of prices."""

    def __init__(self, file: object, reason: str) -> None:
        super().__init__(f"{file} is no table of prices: {reason.rstrip('.')}.")


class BadEndpoint(TfclientError, ValueError):
    """Nothing can be sent to such an address, or with such headers; nothing was."""


class EndpointDown(TfclientError):
    """Whoever sessions are sent to does not take any now; what was not confirmed is sent another time."""
