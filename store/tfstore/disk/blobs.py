"""Long strings and media, each stored once under the digest of its content: ``blobs/<aa>/<sha256>.<ext>``."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import re
import stat
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from tfstore.disk.files import read_file, replace_file
from tfstore.disk.locks import only_one
from tfstore.disk.paths import is_real_dir
from tfstore.errors import BlobUnreadable, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Json

_DIGEST = re.compile(r"[0-9a-f]{64}")
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")
_LARGEST: Final = 1024 * 1024 * 1024

# Python's table differs between machines and misses what models send.
_EXTENSIONS: Final = {
    "application/json": "json",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/pcm": "pcm",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
}


class Blobs:
    """The blobs of one store.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> blobs = Blobs(StorePaths(tempfile.mkdtemp()))
        >>> reference = blobs.put(b"a long text", "text/plain")
        >>> reference["bytes"], blobs.get(reference)
        (11, b'a long text')
    """

    def __init__(self, paths: StorePaths) -> None:
        """Nothing is made before the first ``put``."""
        self._paths = paths

    def put(
        self, data: bytes, media_type: str = "application/octet-stream", preview: str | None = None
    ) -> Json:
        """Store the bytes, if they are not there yet, and return the reference that stands for them.

        Args:
            data: the content, decoded: a person can open the file.
            media_type: names the file's extension.
            preview: some words for whoever reads the reference.

        Raises:
            StoreUnusable: it could not be written.
        """
        digest = sha256(data).hexdigest()
        found = self._find(digest)
        if found is not None:
            # Young again: whoever prunes leaves what a document that is just being written may refer to.
            with contextlib.suppress(OSError):
                now = time.time_ns()
                os.utime(found, ns=(now, now), follow_symlinks=False)
        else:
            self._paths.create()
            self._paths.make_dir(self._paths.blobs)
            folder = self._paths.make_dir(self._folder(digest))
            try:
                replace_file(folder / f"{digest}.{extension(media_type)}", data)
            except OSError as error:
                raise StoreUnusable(
                    self._paths.root, f"a blob cannot be written to {folder} ({error})"
                ) from error
        reference: Json = {"blob": f"sha256:{digest}", "bytes": len(data), "media_type": media_type}
        return reference if preview is None else {**reference, "preview": preview}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep blobs from being removed meanwhile: from where they are put to where a document refers to them.

        Raises:
            StoreUnusable: the folder of the locks is missing and cannot be made.
        """
        place = self._paths.locks / "blobs.lock"
        if not is_real_dir(place.parent):
            self._paths.create()
            self._paths.make_dir(place.parent)
        with only_one(place):
            yield

    def find(self, digest: str) -> Path | None:
        """Return where the content with this SHA-256 lies, or None."""
        return self._find(digest) if _DIGEST.fullmatch(digest) else None

    def path(self, reference: Json | str) -> Path:
        """Return where the content of a reference, or of ``"sha256:…"``, lies.

        Raises:
            BlobUnreadable: it is no reference, or its content is not in the store.
        """
        name: Any = reference.get("blob") if isinstance(reference, dict) else reference
        digest = str(name).removeprefix("sha256:")
        if _DIGEST.fullmatch(digest) is None:
            raise BlobUnreadable(name, "that is no sha256 digest")
        found = self._find(digest)
        if found is None:
            raise BlobUnreadable(name, f"it is not in {self._paths.blobs}")
        return found

    def where(self, reference: Json | str) -> str:
        """Return the path of the content of a reference, for a person.

        Raises:
            BlobUnreadable: as from ``path``.
        """
        return str(self.path(reference))

    def get(self, reference: Json | str) -> bytes:
        """Return the content of a reference, or of ``"sha256:…"``.

        Raises:
            BlobUnreadable: it is not in the store, cannot be read, or is not what was stored.
        """
        path = self.path(reference)
        try:
            data = read_file(path, _LARGEST)
        except (OSError, ValueError) as error:
            raise BlobUnreadable(path.stem, f"{path}: {error}") from error
        if sha256(data).hexdigest() != path.stem:
            raise BlobUnreadable(path.stem, f"{path} was changed after it was stored")
        return data

    def _folder(self, digest: str) -> Path:
        return self._paths.blobs / digest[:2]

    def _find(self, digest: str) -> Path | None:
        folder = self._folder(digest)
        if not is_real_dir(self._paths.blobs) or not is_real_dir(folder):
            return None
        # A link is none: what it leads to is not the store's.
        return next((path for path in folder.glob(f"{digest}.*") if _is_file(path)), None)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def extension(media_type: str) -> str:
    """Return the file extension, without a dot, for a media type.

    Example:
        >>> extension("image/png; charset=binary"), extension("x/../../etc")
        ('png', 'bin')
    """
    plain = media_type.partition(";")[0].strip().lower()
    guessed = _EXTENSIONS.get(plain) or (mimetypes.guess_extension(plain) or "").removeprefix(".")
    return guessed if _EXTENSION.fullmatch(guessed) else "bin"
