"""The store that is meant where none is named, and which are near."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfclient import open_store, stores_nearby
from tfclient.settings import Settings
from tfstore.errors import StoreNotFound
from tfstore.store import Store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("THOUGHTFLOW_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def _in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_store_above_is_read_and_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Store(home / "project" / ".thoughtflow", create=True).paths.root
    below = _in(home / "project" / "src" / "deep", monkeypatch)

    assert open_store().paths.root == Settings.resolve(environ={}).directory == root
    named = Settings.resolve(environ={"THOUGHTFLOW_DIR": "mine"})
    assert named.directory == below / "mine"


def test_the_nearest_is_taken_and_without_any_it_is_here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = _in(home / "project" / "src", monkeypatch)
    (home / "project" / ".thoughtflow").mkdir()  # a folder of this name that is no store

    assert Settings.resolve(environ={}).directory == below / ".thoughtflow"
    Store(home / "project" / ".thoughtflow", create=True)
    own = Store(below / ".thoughtflow", create=True)
    assert Settings.resolve(environ={}).directory == own.paths.root


def test_the_home_folder_is_not_looked_at_from_below(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = Store(home / ".thoughtflow", create=True)
    below = _in(home / "project", monkeypatch)

    assert Settings.resolve(environ={}).directory == below / ".thoughtflow"
    monkeypatch.chdir(home)
    assert Settings.resolve(environ={}).directory == at_home.paths.root


def test_what_another_user_made_is_passed_by(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(home / "project" / ".thoughtflow", create=True)
    below = _in(home / "project" / "src", monkeypatch)
    monkeypatch.setattr(stores_nearby, "_is_ours", lambda _store: False)

    assert Settings.resolve(environ={}).directory == below / ".thoughtflow"


def test_the_error_names_stores_above_and_below(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = [home / ".thoughtflow", home / "project" / "a" / "b" / ".thoughtflow"]
    for root in roots:
        Store(root, create=True)
    Store(home / "project" / "a" / "b" / "c" / ".thoughtflow", create=True)
    _in(home / "project", monkeypatch)

    with pytest.raises(StoreNotFound, match="Stores nearby: ") as raised:
        open_store()
    assert str(raised.value).endswith(f"Stores nearby: {roots[0]}, {roots[1]}.")
