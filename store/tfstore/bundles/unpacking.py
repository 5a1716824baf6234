"""Opening a bundle that somebody sent: nothing in it is believed before it was looked at.

Only names that a bundle has are taken, each once, as files of their own, and no more bytes than its list says: the
sizes that a zip claims are not gone by. What was unpacked has the digest of the list before anybody reads it. The page,
the report and the words for people are not unpacked at all: they are made of the document again.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Final

from attrs import frozen

from tfstore.bundles.manifest import BESIDE, MANIFEST, Listed, NotABundle, digest_in, listed_in
from tfstore.disk.paths import open_for_reading, open_private
from tfstore.document.json_text import parse
from tfstore.errors import BundleRefused, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfstore.disk.paths import StorePaths
    from tfstore.document.documents import Json

MOST_FILES: Final = 65_000
"""Files of a bundle; more need a form of zip (zip64) that no bundle has."""

MOST_BYTES: Final = 1024 * 1024 * 1024
"""Bytes that a bundle may hold, unpacked."""

SWELL: Final = 200
"""How many times as long as the bundle itself what it holds may be."""

_LARGEST_MANIFEST: Final = 32 * 1024 * 1024
_LARGEST_DIRECTORY: Final = MOST_FILES * 400
_BLOCK: Final = 1024 * 1024
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_LOCATOR: Final = (20, b"PK\x06\x07")
_ENTRY_MARK: Final = b"PK\x01\x02"
_COMMENT: Final = 65_535
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_PATCHED: Final = 0x20


@frozen
class Opened:
    """A bundle whose list was read: its session, the list itself, and what else ``bundle.json`` says."""

    session_id: str
    files: list[Listed]
    told: Json


def unpack(bundle: Path, paths: StorePaths) -> Opened:
    """Unpack what a bundle holds of a store into a new one.

    Args:
        bundle: the file.
        paths: where to; a folder of nobody else's, empty or not there yet.

    Raises:
        BundleRefused: it is no bundle, or not as a bundle is; of what is there by then nothing is to be used.
        StoreUnusable: nothing can be written there.
    """
    with _zip_of(bundle) as (packed, size):
        opened, entries = _listed(packed, size)
        paths.create()
        for each in opened.files:
            if each.name not in BESIDE:
                _write(paths, each, _content(packed, entries[each.name], each))
        return opened


def told_in(bundle: Path) -> Opened:
    """Return what a bundle says of itself; nothing is unpacked, and no file but the list is read.

    Raises:
        BundleRefused: it is no bundle, or not as a bundle is.
    """
    with _zip_of(bundle) as (packed, size):
        return _listed(packed, size)[0]


@contextmanager
def _zip_of(bundle: Path) -> Iterator[tuple[zipfile.ZipFile, int]]:
    try:
        with os.fdopen(open_for_reading(bundle), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            _look_at_directory(file, size)
            with zipfile.ZipFile(file) as packed:
                yield packed, size
    except NotABundle as why:
        raise BundleRefused(bundle, str(why)) from None
    except OSError as error:
        raise BundleRefused(bundle, error.strerror or str(error)) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, struct.error) as error:
        raise BundleRefused(bundle, f"its zip is damaged ({error})") from error


def _look_at_directory(file: BinaryIO, size: int) -> None:
    """Look at the zip's list of files before it is taken into memory.

    Raises:
        NotABundle: there is none, or it is too long.
    """
    begin = max(0, size - _COMMENT - _END.size)
    file.seek(begin)
    tail = file.read(_COMMENT + _END.size)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise NotABundle("it is no zip file, or was cut off")
    _, _, _, _, _, length, _, _ = _END.unpack_from(tail, at)
    before, mark = _LOCATOR
    if tail[max(0, at - before) :].startswith(mark):
        raise NotABundle(f"it is a zip64, as one of more than {MOST_FILES:,} files is")
    if length > _LARGEST_DIRECTORY or length > begin + at:
        raise NotABundle(f"its list of files is {length:,} bytes long")
    file.seek(begin + at - length)
    if file.read(length).count(_ENTRY_MARK) > MOST_FILES:
        raise NotABundle(f"it has more than {MOST_FILES:,} files")
    file.seek(0)


def _listed(packed: zipfile.ZipFile, size: int) -> tuple[Opened, dict[str, zipfile.ZipInfo]]:
    """Return the list of a bundle, and the zip's entries by name, each looked at."""
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in packed.infolist():
        # What the library makes of a name may be another one.
        name = info.orig_filename
        if name.lower() in seen:
            raise NotABundle(f"it has {name!r} twice")
        seen.add(name.lower())
        _look_at(name, info)
        entries[name] = info
    if MANIFEST not in entries:
        raise NotABundle(f"it has no {MANIFEST}")
    text = b"".join(_blocks(packed, entries[MANIFEST], _LARGEST_MANIFEST))
    try:
        told = parse(text)
    except ValueError as error:
        raise NotABundle(f"its {MANIFEST} cannot be read ({error})") from None
    session_id, files = listed_in(told)
    names = [each.name for each in files]
    for name in entries:
        if name != MANIFEST and name not in names:
            raise NotABundle(f"it has {name!r}, which its {MANIFEST} does not list")
    for name in names:
        if name not in entries:
            raise NotABundle(f"it has no {name!r}, which its {MANIFEST} lists")
    if len(set(names)) < len(names):
        raise NotABundle(f"its {MANIFEST} lists a file twice")
    total = sum(each.bytes for each in files)
    if total > min(MOST_BYTES, SWELL * size):
        raise NotABundle(f"its {size:,} bytes claim to hold {total:,}")
    return Opened(session_id, files, told), entries


def _look_at(name: str, info: zipfile.ZipInfo) -> None:
    """Look at an entry of the zip.

    Raises:
        NotABundle: it is no plain file.
    """
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG} or name.endswith("/"):
        raise NotABundle(f"its {name!r} is no plain file")
    if info.flag_bits & _ENCRYPTED:
        raise NotABundle(f"its {name!r} is encrypted")
    if info.flag_bits & _PATCHED or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise NotABundle(f"its {name!r} is compressed in another way than bundles are")


def _blocks(packed: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """Yield the content of an entry.

    Raises:
        NotABundle: it is longer than that.
    """
    left = most
    with packed.open(info) as entry:
        while block := entry.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise NotABundle(f"its {info.orig_filename!r} is longer than {most:,} bytes")
            yield block


def _content(packed: zipfile.ZipFile, info: zipfile.ZipInfo, listed: Listed) -> Iterator[bytes]:
    """Yield the content of a listed file.

    Raises:
        NotABundle: it is not what the list says, which shows at its end.
    """
    digest, size = sha256(), 0
    for block in _blocks(packed, info, listed.bytes):
        digest.update(block)
        size += len(block)
        yield block
    if size != listed.bytes or digest.hexdigest() != listed.sha256:
        raise NotABundle(f"its {listed.name!r} is not what its {MANIFEST} says: it was changed, or damaged")
    if digest_in(listed.name) not in {None, listed.sha256}:
        raise NotABundle(f"its {listed.name!r} is not named by its content")


def _write(paths: StorePaths, listed: Listed, content: Iterator[bytes]) -> None:
    *folders, name = listed.name.split("/")
    folder = paths.root
    for each in folders:
        folder = paths.make_dir(folder / each)
    try:
        descriptor = open_private(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "wb") as file:
            for block in content:
                file.write(block)
    except OSError as error:
        raise StoreUnusable(paths.root, f"{folder / name} cannot be written ({error.strerror})") from error
