"""``tfclient path``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.making import GOING_ON, WEATHER, run

if TYPE_CHECKING:
    from tfstore.store import Store


def test_the_document(store: Store) -> None:
    assert run("path", "last", "--store", store.paths.root).out == f"{store.paths.document(GOING_ON)}\n"


def test_the_diagram(store: Store) -> None:
    store.paths.diagram(WEATHER).write_text("x", encoding="utf-8")

    assert (
        run("path", WEATHER, "--d2", "--store", store.paths.root).out == f"{store.paths.diagram(WEATHER)}\n"
    )


def test_a_diagram_that_is_not_there(store: Store) -> None:
    outcome = run("path", WEATHER, "--d2", "--store", store.paths.root)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"Session {WEATHER} has no diagram yet: `tfclient d2 {WEATHER}` draws it.\n"


def test_json(store: Store) -> None:
    store.paths.diagram(WEATHER).write_text("x", encoding="utf-8")

    assert run("path", WEATHER, "--store", store.paths.root, "--json").json == {
        "session_id": WEATHER,
        "json": str(store.paths.document(WEATHER)),
        "d2": str(store.paths.diagram(WEATHER)),
        "raw": None,
    }
    assert run("path", "last", "--store", store.paths.root, "--json").json["d2"] is None
