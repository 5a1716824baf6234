from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tfstore.disk.blobs import Blobs, extension
from tfstore.errors import BlobUnreadable

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths


@pytest.fixture
def blobs(paths: StorePaths) -> Blobs:
    return Blobs(paths)


def test_content_comes_back_by_its_reference(blobs: Blobs, paths: StorePaths) -> None:
    data = bytes(range(256)) * 300
    reference = blobs.put(data, "image/png", preview="a picture")
    digest = sha256(data).hexdigest()

    assert reference == {
        "blob": f"sha256:{digest}",
        "bytes": len(data),
        "media_type": "image/png",
        "preview": "a picture",
    }
    assert blobs.get(reference) == blobs.get(f"sha256:{digest}") == data
    assert blobs.path(reference) == paths.blobs / digest[:2] / f"{digest}.png"


def test_the_same_content_is_stored_once(blobs: Blobs, paths: StorePaths) -> None:
    first = blobs.put(b"same", "text/plain")
    before = blobs.path(first).stat()
    second = blobs.put(b"same", "application/pdf")

    assert first["blob"] == second["blob"]
    assert len([path for path in paths.blobs.rglob("*") if path.is_file()]) == 1
    assert blobs.path(second).stat() == before


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("image/png", "png"),
        ("IMAGE/JPEG; q=1", "jpg"),
        ("text/plain", "txt"),
        ("audio/wav", "wav"),
        ("nonsense", "bin"),
        ("", "bin"),
        ("../../etc/passwd", "bin"),
    ],
)
def test_a_person_can_open_the_file(media_type: str, expected: str) -> None:
    assert extension(media_type) == expected


@pytest.mark.parametrize(
    "hostile", ["", "sha256:", "sha256:../../../etc/passwd", "md5:" + "0" * 32, "0" * 63 + "*"]
)
def test_a_reference_that_is_no_digest_is_refused(blobs: Blobs, hostile: str) -> None:
    blobs.put(b"content")

    with pytest.raises(BlobUnreadable, match="no sha256 digest"):
        blobs.get(hostile)


def test_content_that_is_not_there_is_told(blobs: Blobs) -> None:
    with pytest.raises(BlobUnreadable, match="it is not in"):
        blobs.get("sha256:" + "0" * 64)


def test_content_that_was_changed_is_told(blobs: Blobs) -> None:
    reference = blobs.put(b"paid 100", "text/plain")
    blobs.path(reference).write_bytes(b"paid 900")

    with pytest.raises(BlobUnreadable, match="was changed after it was stored"):
        blobs.get(reference)


def test_a_link_is_not_followed(blobs: Blobs, tmp_path: Path) -> None:
    reference = blobs.put(b"content", "text/plain")
    path = blobs.path(reference)
    path.unlink()
    (tmp_path / "outside").write_bytes(b"content")
    path.symlink_to(tmp_path / "outside")

    with pytest.raises(BlobUnreadable):
        blobs.get(reference)
