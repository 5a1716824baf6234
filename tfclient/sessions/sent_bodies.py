"""Re-sent history is written once: what a request body has in common with an earlier one of its segment.

A program that re-sends its whole conversation sends, each time, an earlier body with something behind it. Such
a body is journaled as ``{"same": [exchange_id, n_chars], "text": rest}``. Bytes are compared, nothing is parsed.

The part in common was redacted when it was first written and is not looked at again, so it may only end where
no secret can lie across: between two JSON objects (``},{"``), or at the very end of two equal bodies. Redaction
may have made the journaled text longer or shorter than the bytes, hence the pieces with both lengths.

Memory is bounded: a segment keeps ``KEEP`` bodies, one per conversation in the usual case, and all segments of
the process together ``BUDGET`` bytes; what falls out is written in full when it comes again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import ref

from tfstore.disk import fork
from tfstore.journal.repeated_bodies import RECENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.journal.entries import Body, Mark

    Redact = Callable[[bytes], tuple[str | None, list[Mark]]]

KEEP: Final = 16
BUDGET: Final = 64 * 1024 * 1024
WORTH: Final = 1024
"""Bytes in common below which a reference is not worth its line."""

_MIDDLE: Final = slice(WORTH - 17, WORTH)
"""Bytes in which bodies have to agree to have so much in common; they find the few that may."""

_JOINT: Final = b'},{"'


_end: Final = itemgetter(0)


class _Piece(NamedTuple):
    """A stretch of a body that was redacted at one time: where it ends, and its text if redaction changed it."""

    end: int
    chars: int
    text: str | None


class SentBody(NamedTuple):
    """A request body, how it stands in the journal, and the earlier one that it goes on from."""

    exchange_id: str
    data: bytes
    pieces: tuple[_Piece, ...]
    number: int
    alike: bytes
    """What stands at the end of the least that is worth a reference."""
    continues: str | None = None


class SentBodies:
    """The last few request bodies of one segment.

    Args:
        is_there: says whether the file that they are in still is.

    Example:
        >>> def keep_all(data: bytes) -> tuple[str | None, list[Any]]:
        ...     return data.decode(), []
        >>> bodies = SentBodies()
        >>> first = b'{"input":[{"role":"user","content":"' + b"a" * 2000 + b'"}]}'
        >>> _, _, sent = bodies.journaled("call.1", first, keep_all)
        >>> bodies.keep(sent)
        >>> again = first[:-2] + b',{"role":"user","content":"more"}]}'
        >>> bodies.journaled("call.2", again, keep_all)[0]["same"]
        ['call.1', 2038]
    """

    def __init__(self, is_there: Callable[[], bool] = lambda: True) -> None:
        self._is_there = is_there
        self._lock = fork.lock()
        self._bodies: OrderedDict[str, SentBody] = OrderedDict()
        # By what stands at the end of the least that is worth a reference, oldest first: nearly always one, or none.
        self._alike: dict[bytes, dict[str, SentBody]] = {}
        self.size = 0
        self._count = 0
        self._grown = 0

    def journaled(
        self, exchange_id: str, data: bytes, redact: Redact
    ) -> tuple[Body | None, list[Mark], SentBody | None]:
        """Return the body's journal form, its redaction marks, and what to keep once that is written.

        Args:
            exchange_id: whose request it is.
            data: the body's bytes.
            redact: gives the text to journal of some bytes, or None when they are no text (then so is all).
        """
        number = self._count = self._count + 1
        earlier, cut = self._longest(data)
        if earlier is None or not (known := _pieces_up_to(earlier, cut)):
            text, marks = redact(data)
            if text is None:
                return None, marks, None
            piece = _Piece(len(data), len(text), text if marks else None)
            return {"text": text}, marks, SentBody(exchange_id, data, (piece,), number, data[_MIDDLE])
        rest, marks = redact(data[cut:]) if cut < len(data) else ("", [])
        if rest is None:
            return None, marks, None
        chars = known[-1].chars
        piece = _Piece(len(data), chars + len(rest), rest if marks else None)
        body: Body = {"same": [earlier.exchange_id, chars], "text": rest}
        continues = earlier.exchange_id if _continues(chars, earlier.pieces[-1].chars) else None
        pieces = (*known, piece) if rest else known
        return body, marks, SentBody(exchange_id, data, pieces, number, data[_MIDDLE], continues)

    def keep(self, sent: SentBody) -> None:
        """Remember a body that is in the journal now; one that it continues is forgotten."""
        length = len(sent.data)
        if length < WORTH:
            return
        bodies = self._bodies
        with self._lock:
            if sent.continues is not None:
                self._drop(sent.continues)
            bodies[sent.exchange_id] = sent
            self._alike.setdefault(sent.alike, {})[sent.exchange_id] = sent
            self.size += length
            while bodies and (len(bodies) > KEEP or self.size > BUDGET):
                self._drop(next(iter(bodies)))
            self._grown += length
            if self._grown < BUDGET // 256:
                return
            grown, self._grown = self._grown, 0
        _BUDGETED.used(self, grown)

    def forget(self) -> None:
        """Forget everything: the segment is no longer the one that they are in."""
        with self._lock:
            self._bodies.clear()
            self._alike.clear()
            self.size = 0

    def _drop(self, exchange_id: str) -> None:
        gone = self._bodies.pop(exchange_id, None)
        if gone is not None:
            self.size -= len(gone.data)
            alike = self._alike[gone.alike]
            del alike[exchange_id]
            if not alike:
                del self._alike[gone.alike]

    def _longest(self, data: bytes) -> tuple[SentBody | None, int]:
        if len(data) < WORTH:
            return None, 0
        alike = self._alike.get(data[_MIDDLE])
        if alike is None:
            return None, 0
        if not self._is_there():
            # Deleted under the program: the next write begins a new file, without them.
            self.forget()
            return None, 0
        with self._lock:
            bodies = list(reversed(alike.values()))
        best: SentBody | None = None
        shared = WORTH - 1
        here = _MIDDLE
        wanted = data[here]
        oldest = self._count - RECENT
        for each in bodies:
            if each.number < oldest:
                break
            # Only one that goes on where the best so far ended can be better.
            if each.data[here] != wanted:
                continue
            common = _common_prefix(each.data, data)
            if common > shared:
                best, shared = each, common
                here = slice(shared - 16, shared + 1)
                wanted = data[here]
                if common * 10 > len(each.data) * 9:
                    break
        if best is None:
            return None, 0
        if shared == len(data) == len(best.data):
            return best, shared
        cut = data.rfind(_JOINT, 0, shared + len(_JOINT) - 1) + 1
        return (best, cut) if cut >= WORTH else (None, 0)


def _common_prefix(one: bytes, other: bytes) -> int:
    """The length of what both begin with: in growing strides, then by halving the stride that differs."""
    end = min(len(one), len(other))
    # Compared where it lies: slices of bytes would be copied first.
    view = memoryview(one)
    low, stride = 0, 512
    while low < end:
        high = min(low + stride, end)
        if not other.startswith(view[low:high], low):
            break
        low, stride = high, min(stride * 4, 1 << 18)
    else:
        return end
    while high - low > 1:
        middle = (low + high) // 2
        if other.startswith(view[low:middle], low):
            low = middle
        else:
            high = middle
    return low


def _pieces_up_to(earlier: SentBody, cut: int) -> tuple[_Piece, ...]:
    """The pieces of an earlier body up to a cut; the last one's ``chars`` is the cut in journaled characters."""
    whole = bisect_right(earlier.pieces, cut, key=_end)
    known = earlier.pieces[:whole]
    start, chars = (known[-1].end, known[-1].chars) if known else (0, 0)
    if start == cut or whole == len(earlier.pieces):
        return known
    piece = earlier.pieces[whole]
    length = _chars_in(earlier.data[start : piece.end], cut - start, piece.text)
    if length is None:
        return ()
    text = None if piece.text is None else piece.text[:length]
    return (*known, _Piece(cut, chars + length, text))


def _chars_in(data: bytes, cut: int, text: str | None) -> int | None:
    """How many characters of a piece's text stand for its first ``cut`` bytes, or None if that is not certain."""
    if text is None:
        head = data[:cut]
        return cut if head.isascii() else len(head.decode())
    # Redaction changed lengths before the cut. What stands right before the cut shows where it is in the text, if
    # redaction left all of its occurrences alone: the n-th there is then the n-th here.
    for length in (64, 256, 1024):
        tail = data[max(0, cut - length) : cut].decode("utf-8", "ignore")
        raw = tail.encode()
        if text.count(tail) != data.count(raw):
            continue
        end = chars = 0
        while (start := data.find(raw, end, cut)) >= 0:
            end = start + len(raw)
            chars = text.index(tail, chars) + len(tail)
        # Not so where occurrences overlap, as in }}}}.
        if end == cut:
            return chars
    return None


def _continues(chars: int, earlier_chars: int) -> bool:
    """Whether a body has so much of an earlier one that nobody needs to go back to that one."""
    return chars * 10 >= earlier_chars * 9


class _Budget:
    """Which segments' bodies were used last; over the budget, those not used for longest are forgotten."""

    def __init__(self) -> None:
        self._lock = fork.lock()
        self._used: OrderedDict[int, ref[SentBodies]] = OrderedDict()
        self._grown = 0

    def used(self, bodies: SentBodies, by: int) -> None:
        with self._lock:
            self._used[id(bodies)] = ref(bodies)
            self._used.move_to_end(id(bodies))
            self._grown += by
            # Adding up is for when it can matter: not at each call of a program with a thousand sessions.
            if len(self._used) > 1 and self._grown < BUDGET // 16:
                return
            self._grown = 0
            alive = [found for link in self._used.values() if (found := link()) is not None]
            total = sum(found.size for found in alive)
            for found in alive[:-1]:
                if total > BUDGET:
                    total -= found.size
                    found.forget()
            self._used = OrderedDict((id(found), ref(found)) for found in alive)


_BUDGETED = _Budget()
