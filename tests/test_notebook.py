"""What a notebook shows of a session: static, inert, small."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

from tests.builders import a_run, a_session, a_step
from tests.cli.making import a_store, hostile, weather
from tests.projection.recorded import needs_recordings, recordings
from tfclient import Recorder, open_store
from tfclient.notebook import STEPS, outline
from tfstore.document.documents import Session

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TAGS = {"div", "span", "b", "details", "summary"}


class Reader(HTMLParser):
    """Reads the tags and the text of what is shown, and refuses what is not inert."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= {"style", "open"}
        assert all("url" not in (value or "") for _, value in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_session_of_a_store_shows_its_runs_and_what_failed(tmp_path: Path) -> None:
    a_store(tmp_path, weather())
    html = open_store(tmp_path).get(weather().session_id)._repr_html_()
    assert html is not None
    text = Reader(html).text
    assert "FAILED" in text
    assert "CALL get_weather" in text
    assert "Run 1" in text
    assert "tfclient view 7f3a9c01" in text


def test_a_live_session_shows_what_is_written_of_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    with recorder.session(title="A <trial>") as session:
        session.annotate("note", {"weather": "<b>fine</b>"})
    session.wait()
    html = session._repr_html_()
    assert html is not None
    assert "A <trial>" in Reader(html).text
    assert "<trial>" not in html


def test_without_a_document_it_is_a_line_of_text(tmp_path: Path) -> None:
    session = Recorder(tmp_path, enabled=False).session()
    assert session._repr_html_() is None


def test_a_store_alone_knows_no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "drawn", None)
    assert weather()._repr_html_() is None


def test_a_hostile_session_is_inert() -> None:
    session = hostile()
    session.title = "<script>alert(1)</script>\x1b[31m\u202e"
    session.runs[0].steps[0].payload_started["text"] = "</span><img src=x onerror=alert(1)>"
    html = outline(session)
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    Reader(html)


def test_what_has_no_room_is_said() -> None:
    runs = [a_run(*(a_step(text=f"step {n}") for n in range(100))) for _ in range(5)]
    text = Reader(outline(a_session(*runs))).text
    assert text.count("USER") == STEPS
    assert f"… {500 - STEPS} steps more" in text


@needs_recordings
def test_every_recording_is_shown() -> None:
    for recording in recordings():
        Reader(outline(recording.session))
