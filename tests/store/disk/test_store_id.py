"""The store's own id."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tfstore.errors import StoreUnusable
from tfstore.store import Store


def test_it_is_made_with_the_store_and_stays(tmp_path: Path) -> None:
    first = Store(tmp_path / "one", create=True)

    assert stat.S_IMODE((tmp_path / "one" / "store.json").stat().st_mode) == 0o600
    assert Store(tmp_path / "one", create=True).store_id == first.store_id
    assert Store(tmp_path / "two", create=True).store_id != first.store_id


def test_a_copy_keeps_it(tmp_path: Path) -> None:
    first = Store(tmp_path / "one", create=True)
    shutil.copytree(tmp_path / "one", tmp_path / "copied")

    assert Store(tmp_path / "copied").store_id == first.store_id


def test_a_store_from_before_gets_one_when_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "one", create=True)
    store.paths.identity.unlink()

    assert store.store_id == Store(tmp_path / "one").store_id
    assert [each.name for each in (tmp_path / "one").iterdir() if each.name.endswith(".tmp")] == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"store_id": 7}', b'{"store_id": "../../x"}', b"[]"])
def test_what_is_no_id_is_told_and_stays(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path / "one", create=True)
    store.paths.identity.write_bytes(content)

    with pytest.raises(StoreUnusable, match=r"store\.json does not hold its id"):
        _ = store.store_id
    assert store.paths.identity.read_bytes() == content
