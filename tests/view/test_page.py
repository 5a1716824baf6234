"""The page as one file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.view.conftest import FAILING, HOSTILE
from tests.view.making import failing
from tfclient.view import ExtraMissing, bundle, html_file, page
from tfclient.view.page import embedded
from tfd2 import CompilerMissing
from tfstore.errors import CorruptDocument, NewerDocument, UnknownSession
from tfstore.store import Store

if TYPE_CHECKING:
    from pathlib import Path


class Parts(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self._open: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag if tag in self.texts else None
        if self._open:
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open][-1] += data


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_embedded_json_cannot_end_its_element(value: Any) -> None:
    text = embedded(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == value


def test_the_file_holds_the_session_and_nothing_foreign(
    full_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", _no_compiler)
    text = html_file(full_store, FAILING)
    parts = Parts(text)
    boot = json.loads(parts.texts["script"][0])
    assert boot["document"]["session_id"] == FAILING
    assert boot["d2"].startswith("# A recorded session")
    assert "pip install" in boot["no_pictures"]
    assert parts.texts["title"] == ["Weather agent · tfclient"]
    for tag, attributes in parts.elements:
        assert "src" not in attributes
        assert tag != "link" or attributes["href"] == "data:,"


def _no_compiler(*_: object, **__: object) -> None:
    raise CompilerMissing


def test_a_hostile_session_adds_no_element(full_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", _no_compiler)
    tags = [tag for tag, _ in Parts(html_file(full_store, HOSTILE)).elements]
    assert tags == [tag for tag, _ in Parts(html_file(full_store, FAILING)).elements]
    assert tags.count("script") == 2


def test_the_policy_allows_the_files_own_script_and_styles(
    full_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", _no_compiler)
    parts = Parts(html_file(full_store, FAILING))
    policy = next(
        str(a["content"]) for _, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "connect-src" not in policy
    # Pictures and sounds are in the file itself.
    assert "img-src data:; media-src data:;" in policy
    for text in (parts.texts["script"][1], parts.texts["style"][0]):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy


@pytest.mark.usefixtures("d2_program")
def test_the_file_has_all_boards(full_store: Store) -> None:
    boot = json.loads(Parts(html_file(full_store, FAILING)).texts["script"][0])
    assert (
        set(boot["pictures"])
        == {board["key"] for board in boot["boards"]}
        >= {"index", "run_1", "run_2", "timeline"}
    )


def test_long_texts_come_along_as_far_as_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfclient.view.diagram.compile_d2", _no_compiler)
    monkeypatch.setattr(page, "LARGEST_BLOB", 1000)
    monkeypatch.setattr(page, "ALL_BLOBS", 1500)
    store = Store(tmp_path / "store", create=True)
    session = failing()
    small, next_one, third, large = (
        store.blobs.put(bytes([n]) * size) for n, size in enumerate((600, 700, 800, 1001))
    )
    gone = {"blob": f"sha256:{'0' * 64}", "bytes": 10}
    session.runs[0].steps[0].payload_started["content"] = [small, next_one, third, large, gone]
    store.put(session)
    blobs = json.loads(Parts(html_file(store, FAILING)).texts["script"][0])["blobs"]
    assert set(blobs) == {small["blob"], next_one["blob"]}
    assert base64.b64decode(blobs[small["blob"]]["base64"]) == b"\0" * 600


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", create=True)
    with pytest.raises(UnknownSession):
        html_file(store, "sess_1")
    store.put(failing())
    document = store.paths.document(FAILING)
    text = document.read_text()
    document.write_text(text.replace("thoughtflow/1", "thoughtflow/2"))
    with pytest.raises(NewerDocument):
        html_file(store, FAILING)
    document.write_text(text[: len(text) // 2])
    with pytest.raises(CorruptDocument):
        html_file(store, FAILING)


def test_without_jinja_it_says_what_to_install(full_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    page._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'tfclient\[view\]'"):
        html_file(full_store, FAILING)


def test_the_modules_are_put_together_without_imports_left() -> None:
    script = bundle.script()
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    for name in bundle.assets():
        if name.endswith(".js"):
            assert script.count(f"const ${name.removesuffix('.js').replace('-', '_')} = ") == 1, name
    assert "</script" not in script
    assert "</style" not in bundle.styles()
    assert set(bundle.STYLES) == {name for name in bundle.assets() if name.endswith(".css")}


def test_no_file_of_the_page_makes_markup_of_text() -> None:
    for name, text in bundle.assets().items():
        for danger in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://",
            "https://",
            "@import",
            "url(",
        ):
            allowed = {
                "curl.js": {"https://"},
                "flow.js": {"https://"},
                "picture.js": {"http://"},
            }.get(name, set())
            assert danger not in text or danger in allowed, f"{danger} in {name}"
