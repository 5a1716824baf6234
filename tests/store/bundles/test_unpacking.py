"""Bundles that somebody sent: sound ones are unpacked as they are, of each hostile kind nothing is used."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tfstore.bundles import unpacking
from tfstore.bundles.manifest import Listed, text_of
from tfstore.bundles.unpacking import told_in, unpack
from tfstore.bundles.zipping import Member, write_zip
from tfstore.disk.paths import StorePaths
from tfstore.errors import BundleRefused, StoreUnusable

SESSION = "sess_20260902T091400Z_7f3a9c01"
DOCUMENT = f"sessions/{SESSION}.json"
BLOB = b"a long text"
BLOB_NAME = f"blobs/{sha256(BLOB).hexdigest()[:2]}/{sha256(BLOB).hexdigest()}.txt"
FILES = {"README.txt": b"Hello", "page.html": b"<script>", DOCUMENT: b'{"a": 1}', BLOB_NAME: BLOB}


def manifest(files: dict[str, bytes], **changed: Any) -> bytes:
    listed = [Listed(name, len(data), sha256(data).hexdigest()) for name, data in files.items()]
    return json.dumps(
        {**json.loads(text_of(SESSION, {"replay": {"level": "exact"}}, listed)), **changed}
    ).encode()


def a_bundle(path: Path, files: dict[str, bytes] = FILES, listed: bytes | None = None) -> Path:
    with path.open("wb") as file:
        write_zip(
            file, manifest(files) if listed is None else listed, [Member(*each) for each in files.items()]
        )
    return path


def by_hand(path: Path, change: Callable[[zipfile.ZipInfo], None], name: str = DOCUMENT) -> Path:
    """Write a bundle whose entry of this name is another kind of entry than bundles have."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("bundle.json", manifest({name: b"content"}))
        info = zipfile.ZipInfo(name)
        change(info)
        packed.writestr(info, b"content", compress_type=info.compress_type)
    return path


def patched(path: Path, before: bytes, after: bytes, *, count: int = -1) -> Path:
    path.write_bytes(path.read_bytes().replace(before, after, count))
    return path


def test_what_is_of_the_store_is_unpacked_and_nothing_else(tmp_path: Path) -> None:
    opened = unpack(a_bundle(tmp_path / "b"), StorePaths(tmp_path / "store"))

    root = tmp_path / "store"
    files = {each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file()}
    assert files == {".gitignore", DOCUMENT, BLOB_NAME}
    assert (root / DOCUMENT).read_bytes() == FILES[DOCUMENT]
    assert all(stat.S_IMODE(each.stat().st_mode) in {0o600, 0o700} for each in root.rglob("*"))
    assert (opened.session_id, opened.told["replay"]) == (SESSION, {"level": "exact"})
    assert [each.name for each in opened.files] == list(FILES)
    assert told_in(tmp_path / "b") == opened


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    assert a_bundle(tmp_path / "a").read_bytes() == a_bundle(tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "../sessions/x.json",
        f"/sessions/{SESSION}.json",
        f"sessions\\{SESSION}.json",
        "C:/x.json",
        "sessions/another.json",
        "index.db",
        "sessions/../../x.json",
        f"journal/{SESSION}/../x.jsonl",
        f"blobs/00/{sha256(BLOB).hexdigest()}.txt",
        "",
    ],
)
def test_a_name_that_no_bundle_has(tmp_path: Path, name: str) -> None:
    bundle = a_bundle(tmp_path / "b", {**FILES, name: b"x"})

    with pytest.raises(BundleRefused, match="which no bundle of"):
        unpack(bundle, StorePaths(tmp_path / "store"))
    assert not (tmp_path / "store").exists()
    assert not (tmp_path.parent / "x.json").exists()


def _twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("bundle.json", manifest({DOCUMENT: b"x"}))
        packed.writestr(DOCUMENT, b"x")
        packed.writestr(DOCUMENT.replace("sess_", "SESS_"), b"y")
    return path


def _a_link(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFLNK | 0o777) << 16


def _a_folder(info: zipfile.ZipInfo) -> None:
    info.external_attr = (stat.S_IFDIR | 0o700) << 16


def _other_compression(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_BZIP2


def _encrypted(path: Path) -> Path:
    by_hand(path, lambda _: None)
    data = bytearray(path.read_bytes())
    # The flag of the last entry, in the list at the end and beside its content.
    at = data.rfind(b"PK\x01\x02") + 8
    data[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(bytes(data))
    return path


def _bomb(path: Path) -> Path:
    return a_bundle(path, {**FILES, DOCUMENT: b" " * 4_000_000})


def _longer_than_listed(path: Path) -> Path:
    return a_bundle(path, {**FILES, DOCUMENT: b"x" * 100_000}, manifest(FILES))


def _claims_less(path: Path) -> Path:
    """The zip itself says that there is less than there is."""
    a_bundle(path, {DOCUMENT: b"x" * 1000})
    return patched(path, struct.pack("<L", 1000), struct.pack("<L", 10))


def _another_digest(path: Path) -> Path:
    return a_bundle(path, {**FILES, DOCUMENT: b'{"a": 2}'}, manifest(FILES))


def _blob_of_another_name(path: Path) -> Path:
    return a_bundle(path, {**FILES, BLOB_NAME: b"other text!"})


def _missing(path: Path) -> Path:
    return a_bundle(path, {"README.txt": b"Hello"}, manifest(FILES))


def _more_than_listed(path: Path) -> Path:
    return a_bundle(path, {**FILES, f"archive/{SESSION}.tfz": b"x"}, manifest(FILES))


def _no_zip(path: Path) -> Path:
    path.write_bytes(b"%PDF-1.7 " * 40)
    return path


def _cut_off(path: Path) -> Path:
    path.write_bytes(a_bundle(path).read_bytes()[:-40])
    return path


def _no_list(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(DOCUMENT, b"{}")
    return path


def _later_format(path: Path) -> Path:
    return a_bundle(path, listed=manifest(FILES, bundle=2))


def _bad_list(path: Path) -> Path:
    return a_bundle(path, listed=b'{"bundle": 1, "session_id": "x", "files": [{"name": 3}]}')


def _listed_twice(path: Path) -> Path:
    once = json.loads(manifest(FILES))
    return a_bundle(path, listed=json.dumps({**once, "files": [*once["files"], once["files"][-1]]}).encode())


def _no_json(path: Path) -> Path:
    return a_bundle(path, listed=b"[" * 100_000)


def _zip64(path: Path) -> Path:
    """The mark of a longer list stands where one would."""
    data = a_bundle(path).read_bytes()
    end = data.rfind(b"PK\x05\x06")
    path.write_bytes(data[:end] + b"PK\x06\x07" + b"\0" * 16 + data[end:])
    return path


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (_twice, "twice"),
        (lambda path: by_hand(path, _a_link), "is no plain file"),
        (lambda path: by_hand(path, _a_folder), "is no plain file"),
        (lambda path: by_hand(path, _other_compression), "compressed in another way"),
        (_encrypted, "is encrypted"),
        (_bomb, "bytes claim to hold 4,0"),
        (_longer_than_listed, "is longer than 8 bytes"),
        (_claims_less, "is not what its bundle.json says|its zip is damaged"),
        (_another_digest, "is not what its bundle.json says"),
        (_blob_of_another_name, "is not named by its content"),
        (_missing, "which its bundle.json lists"),
        (_more_than_listed, "which its bundle.json does not list"),
        (_no_zip, "it is no zip file"),
        (_cut_off, "it is no zip file"),
        (_no_list, "it has no bundle.json"),
        (_later_format, "has format 2, and this version reads 1: upgrade"),
        (_bad_list, "without name, length and digest"),
        (_listed_twice, "lists a file twice"),
        (_no_json, "its bundle.json cannot be read"),
        (_zip64, "it is a zip64"),
    ],
)
def test_a_hostile_kind(tmp_path: Path, made: Callable[[Path], Path], reason: str) -> None:
    bundle = made(tmp_path / "b.tfbundle")

    with pytest.raises(BundleRefused, match=reason) as caught:
        unpack(bundle, StorePaths(tmp_path / "store"))
    assert str(caught.value).startswith(f"{bundle} was not opened: ")
    assert not (tmp_path / "store" / DOCUMENT).exists() or made in {
        _blob_of_another_name,
        _another_digest,
        _longer_than_listed,
        _claims_less,
    }


def test_more_files_than_a_bundle_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = a_bundle(tmp_path / "b")
    monkeypatch.setattr(unpacking, "MOST_FILES", len(FILES))

    with pytest.raises(BundleRefused, match=f"it has more than {len(FILES)} files"):
        unpack(bundle, StorePaths(tmp_path / "store"))


def test_more_bytes_than_a_bundle_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = a_bundle(tmp_path / "b")
    monkeypatch.setattr(unpacking, "MOST_BYTES", 10)

    with pytest.raises(BundleRefused, match="claim to hold"):
        unpack(bundle, StorePaths(tmp_path / "store"))


def test_a_list_of_files_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = a_bundle(tmp_path / "b")
    monkeypatch.setattr(unpacking, "_LARGEST_DIRECTORY", 100)

    with pytest.raises(BundleRefused, match="its list of files is"):
        unpack(bundle, StorePaths(tmp_path / "store"))


def test_what_the_library_makes_of_a_name_is_not_believed(tmp_path: Path) -> None:
    # It ends a name at its first NUL: a list that names the rest would be another file's.
    bundle = patched(
        by_hand(tmp_path / "b", lambda _: None, "README.txt"), b"README.txt", b"README\0txt", count=-1
    )

    with pytest.raises(BundleRefused):
        unpack(bundle, StorePaths(tmp_path / "store"))


def test_a_link_instead_of_a_file_and_a_folder(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path / "b")
    (tmp_path / "link").symlink_to(bundle)

    for path in (tmp_path / "link", tmp_path):
        with pytest.raises(BundleRefused):
            unpack(path, StorePaths(tmp_path / "store"))


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file", encoding="utf-8")

    with pytest.raises(StoreUnusable):
        unpack(a_bundle(tmp_path / "b"), StorePaths(tmp_path / "store"))


def test_any_byte_changed_is_seen_or_does_not_matter(tmp_path: Path) -> None:
    whole = a_bundle(tmp_path / "b").read_bytes()
    for at in range(0, len(whole), 7):
        (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        root = tmp_path / f"store{at}"
        try:
            unpack(tmp_path / "b", StorePaths(root))
        except BundleRefused:
            continue
        assert (root / DOCUMENT).read_bytes() == FILES[DOCUMENT]
        assert (root / BLOB_NAME).read_bytes() == BLOB


def test_members_are_listed_by_what_is_in_them() -> None:
    member = Member("README.txt", b"Hello")

    assert member.listed() == Listed("README.txt", 5, sha256(b"Hello").hexdigest())
    packed = io.BytesIO()
    write_zip(packed, b"{}", [member])
    assert zipfile.ZipFile(packed).read("README.txt") == b"Hello"
