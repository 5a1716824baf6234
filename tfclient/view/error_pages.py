"""What can go wrong with the page, as exceptions whose messages are sentences for people.

* ViewError
    * ExtraMissing
    * PortInUse
"""

from __future__ import annotations


class ViewError(Exception):
    """The page cannot be shown."""


class ExtraMissing(ViewError):
    """A package that only the page needs is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"The page needs the package {package!r}, which is not installed: run `pip install 'tfclient[view]'`. "
            "Everything recorded is readable without it: `tfclient show last`."
        )
        self.package = package


class PortInUse(ViewError):
    """Somebody else listens on the port that was asked for."""

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(
            f"The page cannot be served on 127.0.0.1:{port} ({reason}). "
            "Name another port with --port, or leave it out to get a free one."
        )
        self.port = port
