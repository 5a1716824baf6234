from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.making import SESSION, run
from tfstore.disk.paths import StorePaths, check_session_id, is_session_id, new_session_id, open_for_reading
from tfstore.errors import InvalidSessionId, StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_session_ids_are_sortable_unique_and_valid() -> None:
    moment = datetime(2026, 9, 2, 9, 14, tzinfo=UTC)
    many = {new_session_id(moment) for _ in range(500)}

    assert len(many) == 500
    assert all(each.startswith("sess_20260902T091400Z_") and is_session_id(each) for each in many)
    assert new_session_id(moment) < new_session_id(moment.replace(hour=10))


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc/passwd",
        ".hidden",
        "-rf",
        "a\n",
        "a\0b",
        "é",
        "a b",
        "x" * 129,
    ],
)
def test_an_id_that_could_leave_the_folder_is_refused(paths: StorePaths, hostile: str) -> None:
    for place in (paths.document, paths.diagram, paths.journal_of, paths.archived):
        with pytest.raises(InvalidSessionId, match="cannot be a session id"):
            place(hostile)


@given(st.text(max_size=140))
def test_every_accepted_id_names_a_file_right_inside_the_folder(name: str) -> None:
    paths = StorePaths("flow")
    if not is_session_id(name):
        with pytest.raises(InvalidSessionId):
            check_session_id(name)
        return
    assert paths.document(name).parent == paths.sessions
    assert os.path.normpath(paths.journal_of(name)) == str(paths.journal_of(name))


@pytest.mark.parametrize("umask", [0, 0o777, 0o022])
def test_nobody_else_may_read_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    code = """
        import os, sys
        from tfstore.journal.reading import Segment
        from tfstore.document.documents import Session
        from tfstore.store import Store
        os.umask(int(sys.argv[2]))
        store = Store(sys.argv[1], create=True)
        store.put(Session("sess_1"))
        store.blobs.put(b"content")
        with Segment.open(store.paths, "sess_1") as segment:
            segment.append({"at": 1, "type": "annotation"})
    """
    root = tmp_path / "flow"
    run(code, root, umask)

    found = [root, *root.rglob("*")]
    assert {path.name for path in found} >= {"sess_1.json", ".gitignore", "blobs", "index.db"}
    assert {mode(path) for path in found if path.is_dir()} == {0o700}
    assert {mode(path) for path in found if path.is_file()} == {0o600}


def test_the_store_is_kept_out_of_git(paths: StorePaths) -> None:
    paths.create()
    paths.create()

    assert (paths.root / ".gitignore").read_text() == "*\n"


def test_a_gitignore_that_the_user_changed_stays(paths: StorePaths) -> None:
    paths.create()
    (paths.root / ".gitignore").write_text("*.d2\n")
    paths.create()

    assert (paths.root / ".gitignore").read_text() == "*.d2\n"


def test_a_path_that_is_a_file_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "flow"
    taken.write_text("mine")

    with pytest.raises(StoreUnusable, match="is a file") as caught:
        StorePaths(taken).create()

    assert str(taken) in str(caught.value)
    assert taken.read_text() == "mine"


def test_a_path_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")

    with pytest.raises(StoreUnusable, match="below one, where a folder is needed"):
        StorePaths(tmp_path / "taken" / "flow").create()


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    code = """
        import os, sys
        from tfstore.errors import StoreUnusable
        from tfstore.disk.paths import StorePaths
        if os.getuid() == 0:
            os.setuid(65534)  # root may write anywhere
        try:
            StorePaths(sys.argv[1]).create()
        except StoreUnusable as error:
            print(error)
    """
    tmp_path.chmod(0o500)
    try:
        told = run(code, tmp_path / "flow")
    finally:
        tmp_path.chmod(0o700)
    assert "may not be written by this user: change its rights or name another folder" in told


@pytest.mark.parametrize("folder", ["sessions", "journal"])
def test_a_link_in_place_of_a_folder_is_refused(paths: StorePaths, tmp_path: Path, folder: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    paths.root.mkdir()
    (paths.root / folder).symlink_to(outside, target_is_directory=True)

    with pytest.raises(StoreUnusable, match="symbolic link"):
        paths.make_journal_of(SESSION)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("stopped_at", ["sessions", ".gitignore", "journal"])
def test_a_store_whose_making_was_interrupted_is_made_to_its_end(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    """Where its journal's folder is, nothing else is looked at before a session's first entry."""

    def until(call: Any) -> Any:
        def made(path: Any, *args: Any) -> Any:
            if str(path).endswith(stopped_at):
                raise KeyboardInterrupt
            return call(path, *args)

        return made

    with monkeypatch.context() as interrupted:
        interrupted.setattr(os, "mkdir", until(os.mkdir))
        interrupted.setattr(os, "open", until(os.open))
        with pytest.raises(KeyboardInterrupt):
            paths.make_journal_of(SESSION)
    paths.make_journal_of(SESSION)
    assert sorted(each.name for each in paths.root.iterdir()) == [".gitignore", "journal", "sessions"]


def test_the_store_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "flow").symlink_to(tmp_path / "disk", target_is_directory=True)

    StorePaths(tmp_path / "flow").make_journal_of(SESSION)

    assert (tmp_path / "disk" / "journal" / SESSION).is_dir()


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="not a regular file"):
        open_for_reading(tmp_path / "pipe")
