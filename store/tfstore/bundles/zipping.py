"""Writing a bundle: the same files give the same bytes, whenever and by whomever it is written."""

from __future__ import annotations

import os
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfstore.bundles.manifest import MANIFEST, Listed
from tfstore.disk.paths import open_for_reading

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

_BLOCK: Final = 1024 * 1024
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_PRIVATE_FILE: Final = 0o100600 << 16
_LEVEL: Final = 6
_PACKED: Final = frozenset({".tfz", ".png", ".jpg", ".webp", ".gif", ".mp3", ".pdf"})
"""What deflating makes no smaller."""


@frozen
class Member:
    """A file to be put into a bundle: its name there, and its content or where that lies."""

    name: str
    content: bytes | Path

    def listed(self) -> Listed:
        """Return its line in ``bundle.json``.

        Raises:
            OSError: it cannot be read.
        """
        digest, size = sha256(), 0
        for block in self.blocks():
            digest.update(block)
            size += len(block)
        return Listed(self.name, size, digest.hexdigest())

    def blocks(self) -> Iterable[bytes]:
        """Yield its content in pieces.

        Raises:
            OSError: it cannot be read.
        """
        if isinstance(self.content, bytes):
            yield self.content
            return
        with os.fdopen(open_for_reading(self.content), "rb") as file:
            while block := file.read(_BLOCK):
                yield block


def write_zip(file: BinaryIO, manifest: bytes, members: Iterable[Member]) -> None:
    """Write ``bundle.json`` and these files as a zip.

    Raises:
        OSError: something cannot be read or written.

    Example:
        >>> import io
        >>> first, second = io.BytesIO(), io.BytesIO()
        >>> write_zip(first, b"{}", [Member("README.txt", b"Hello")])
        >>> write_zip(second, b"{}", [Member("README.txt", b"Hello")])
        >>> first.getvalue() == second.getvalue(), zipfile.ZipFile(first).namelist()
        (True, ['bundle.json', 'README.txt'])
    """
    with zipfile.ZipFile(file, "w") as packed:
        for member in (Member(MANIFEST, manifest), *members):
            info = zipfile.ZipInfo(member.name, _NO_TIME)
            info.create_system, info.external_attr = _UNIX, _PRIVATE_FILE
            stored = Path(member.name).suffix in _PACKED
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            info._compresslevel = _LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - public from 3.13 on only
            with packed.open(info, "w") as entry:
                for block in member.blocks():
                    entry.write(block)
