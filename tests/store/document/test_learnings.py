"""The page that people edit: whatever is in it, what is not ours stays as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfstore.document.learnings import Block, Page

LINES = st.sampled_from(
    [
        "<!-- tf:turn sess_1 run_1 00000000 -->",
        "<!-- tf:turn sess_2 run_1 00000000 -->",
        "<!-- /tf:turn -->",
        "<!-- tf:summary 00000000 -->",
        "<!-- /tf:summary -->",
        "## Turns",
        "### sess_1 run_1 · 2026-11-28",
        "own words \x0b\x0c\x1c\x85\u2028 é",
        "",
        " ",
        "\ufeff",
    ]
)
PAGES = st.builds(
    lambda lines, end, last: end.join(lines) + last,
    st.lists(LINES, max_size=14),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n", "\r\n"]),
)


@given(PAGES)
def test_a_page_that_is_read_and_written_is_the_same(text: str) -> None:
    data = text.encode()

    assert Page.read(data).data() == data


@given(PAGES, st.integers(1, 3))
def test_an_entry_that_is_put_in_is_found_and_all_else_stays(text: str, number: int) -> None:
    page = Page.read(text.encode())
    turn = Block.of(
        "sess_9", f"run_{number}", f"### sess_9 run_{number} · 2026-11-0{number}\n- outcome: completed\n"
    )
    before = [part if isinstance(part, str) else part.text for part in page.parts]
    page.put(turn)
    read = Page.read(page.data())

    found = read.find(turn.key)
    assert found is not None
    assert not found.is_edited
    for part in before:
        assert part in page.text
    once = page.data()
    page.put(turn)
    assert page.data() == once


@given(PAGES)
def test_what_is_taken_out_of_a_page_is_gone_and_own_words_stay(text: str) -> None:
    page = Page.read(text.encode())
    own = [line for part in page.parts if isinstance(part, str) for line in part.split("\n") if line.strip()]
    page.forget(frozenset({"sess_1"}))

    assert not any(turn.session_id == "sess_1" for turn in Page.read(page.data()).turns)
    for line in own:
        assert line in page.text
