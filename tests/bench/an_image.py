"""An image of 1 MB in the input: at most 2 ms more."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from random import Random

from tests.bench.figures import Figure
from tests.bench.timing import by_turns
from tests.bench.traffic import answering, both, prompt, recorder
from tests.capture.driver import MODEL


def measure(*, long: bool) -> Iterator[Figure]:
    """Measure with another image at each call."""
    times = 60 if long else 20
    random = Random(1)  # noqa: S311 - the same images at every run
    images = [base64.b64encode(random.randbytes(1_000_000)).decode() for _ in range(4)]
    turn = iter(range(1_000_000))
    with recorder() as made, answering() as http:
        plain, traced = both(made, http)

        def show(client: object) -> None:
            url = f"data:image/png;base64,{images[next(turn) // 2 % 4]}"
            content = [{"type": "input_text", "text": prompt(200)}, {"type": "input_image", "image_url": url}]
            client.responses.create(model=MODEL, input=[{"role": "user", "content": content}])  # type: ignore[attr-defined]

        pair = by_turns(lambda: show(plain), lambda: show(traced), times, warm=4)
    yield Figure("image of 1 MB in the input: added CPU", pair.added / 1000, "ms", 2)
    yield Figure("image of 1 MB in the input: share of the plain client's CPU", pair.share, "%")
    yield Figure("image of 1 MB in the input: added on the wall", pair.added_wall / 1000, "ms")
