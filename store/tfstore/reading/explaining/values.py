"""What in a text tells where it comes from: identifiers, numbers, names, long words; and numbers in other spellings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from attrs import frozen

from tfstore.reading.evidence.identifiers import leaves
from tfstore.reading.explaining.common_words import COMMON

Kind = Literal["value", "number", "id", "name", "word"]

LOOKED_AT: Final = 20_000
"""Characters of an answer whose words are looked for."""

MOST: Final = 400
"""Words of an answer that are looked for."""

LONG: Final = 4
"""Letters from which a word is telling that is no name, and not one that stands in any text."""

WHOLE: Final = 80
"""Characters up to which an argument is looked for as a whole."""

_LETTER: Final = r"[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""Where words are not told apart by blanks, there is nothing to look for but what stands in Latin letters."""

TOKEN: Final = re.compile(
    rf"{_LETTER}(?:(?:[@.+:/&_-]|(?<=\d)[,'’\u00a0\u202f](?=\d))*{_LETTER})*",
)
_NUMBER: Final = re.compile(r"(\d[\d.,'’\u00a0\u202f]*)(?:[a-z]{1,3})?")
_GROUPED: Final = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_PIECES: Final = re.compile(r"[/:,@]|(?<=[^\W\d])[.\-](?=[^\W\d])")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_SENTENCE: Final = re.compile(r"(?:^|[.!?:;\n|>*#(\[\"'“„-])\s*$")
_BETWEEN: Final = frozenset({"da", "de", "del", "di", "do", "du", "la", "le", "of", "van", "von", "y"})
_GERMAN: Final = frozenset(
    {"am", "das", "den", "der", "die", "ein", "eine", "für", "ist", "mit", "nicht", "und"}
)


@frozen
class Wanted:
    """A telling part of a text: ``text`` as it stands there, ``place`` the argument that it is, or stands in.

    ``words`` are what a text that holds it has to hold, folded; ``numbers`` how a number is written in one form.
    """

    text: str
    kind: Kind
    place: str = ""
    words: tuple[str, ...] = ()
    numbers: frozenset[str] = frozenset()

    @property
    def is_value(self) -> bool:
        """Whether it is something that one does not just say, so that one asks where it comes from."""
        return self.kind != "word"


def plain(text: str) -> str:
    r"""Return a text without the escapes of JSON within it: programs send outputs that are JSON in a string.

    Example:
        >>> plain('{"name": "P\\u00e1tio\\nAzul"}')
        '{"name": "Pátio Azul"}'
    """
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return " " if found[2] in "nrt" else found[2]


def tokens_in(text: str) -> set[str]:
    """Return the words of a text, folded, also those that stand in one with others: ``orders/A-1002``."""
    found = set(TOKEN.findall(text.casefold()))
    # What stands in a word of several is there as well; a number with its comma is two numbers or one.
    for each in [each for each in found if _PIECES.search(each)]:
        found.update(_PIECES.split(each))
    return found


def numbers_in(token: str) -> frozenset[str]:
    """Return the number that a word is, in one form; two, where a point or a comma may mean either.

    Example:
        >>> sorted(numbers_in("1,290.00")), sorted(numbers_in("1290")), sorted(numbers_in("1.290")), numbers_in("a1")
        (['1290'], ['1290'], ['1.29', '1290'], frozenset())
    """
    found = _NUMBER.fullmatch(token)
    if found is None:
        return frozenset()
    digits = re.sub("['’\u00a0\u202f]", "", found[1]).rstrip(".,")
    marks = [each for each in digits if each in ".,"]
    if not marks:
        return frozenset({_number(digits, "")})
    if len(set(marks)) == 2:
        whole, _, part = digits.rpartition(marks[-1])
        if marks.count(marks[-1]) > 1:
            return frozenset()
        return frozenset({_number(re.sub("[.,]", "", whole), part)})
    grouped = frozenset({_number(re.sub("[.,]", "", digits), "")} if _GROUPED.fullmatch(digits) else ())
    if len(marks) > 1:
        return grouped
    return grouped | {_number(*digits.split(marks[0]))}


def _number(whole: str, part: str) -> str:
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{part}" if part else "")


def telling_in(text: str, place: str = "") -> tuple[list[Wanted], bool]:
    """Return what is telling in a text, each once, in order; and whether all of it was looked at.

    Example:
        >>> [each.text for each in telling_in("Your order A-1002 from Cantina da Vila costs 12.90 in all.")[0]]
        ['order', 'A-1002', 'Cantina da Vila', 'costs', '12.90']
    """
    looked = plain(text[:LOOKED_AT])
    shown: dict[tuple[tuple[str, ...], bool], Wanted] = {}
    for each in _telling(looked, place):
        shown.setdefault((each.words, each.kind == "word"), each)
        if len(shown) > MOST:
            break
    found = list(shown.values())
    named = {word for each in found if each.is_value for word in each.words}
    # A long word that is part of a name is told with it.
    found = [each for each in found if each.is_value or not named.issuperset(each.words)]
    return found[:MOST], len(text) <= LOOKED_AT and len(shown) <= MOST


def _telling(text: str, place: str) -> Iterator[Wanted]:
    tokens = list(TOKEN.finditer(text))
    spoken = [each[0].isalpha() for each in tokens]
    starts = [_begins(text, each) for each in tokens]
    within = [
        each[0] for each, is_word, start in zip(tokens, spoken, starts, strict=True) if is_word and not start
    ]
    # Where every word has a capital, or every noun as in German, a capital makes no name.
    has_names = sum(each[0].isupper() for each in within) * 3 <= 2 * len(within)
    has_names = has_names and len(_GERMAN.intersection(within)) < 2
    n = 0
    while n < len(tokens):
        token = tokens[n][0]
        if not spoken[n]:
            if (kind := _kind(token)) is not None:
                yield Wanted(token, kind, place, (token.casefold(),), numbers_in(token.casefold()))
            n += 1
            continue
        last = _name(text, tokens, starts, n) if has_names and token[0].isupper() else n
        if last > n or (has_names and token[0].isupper() and not starts[n] and len(token) > 1):
            words = tuple(each[0].casefold() for each in tokens[n : last + 1])
            name = text[tokens[n].start() : tokens[last].end()]
            if text[tokens[last].end() : tokens[last].end() + 2].startswith((":", "**")):
                # A heading is a name of nothing.
                yield from (
                    Wanted(each[0], "word", place, (each[0].casefold(),))
                    for each in tokens[n : last + 1]
                    if len(each[0]) >= LONG and each[0].casefold() not in COMMON
                )
            elif not (len(words) == 1 and words[0] in COMMON):
                yield Wanted(name, "name", place, words)
        elif len(token) >= LONG and token.casefold() not in COMMON:
            yield Wanted(token, "word", place, (token.casefold(),))
        n = last + 1


def _begins(text: str, token: re.Match[str]) -> bool:
    """Return whether a word is the first of its sentence, its line or its quotation."""
    return _SENTENCE.search(text, max(token.start() - 8, 0), token.start()) is not None


def _name(text: str, tokens: list[re.Match[str]], starts: list[bool], first: int) -> int:
    """Return the last word of the name that begins here: words with capitals, and what may stand between them."""
    last = first
    if starts[first] and tokens[first][0].casefold() in COMMON:
        return last
    for n in range(first + 1, min(first + 6, len(tokens))):
        token = tokens[n][0]
        if text[tokens[n - 1].end() : tokens[n].start()] != " " or not token.isalpha():
            break
        if token[0].isupper():
            last = n
        elif token not in _BETWEEN:
            break
    # At the start of a sentence a capital says nothing of the word itself: two make a name.
    return last


def _kind(token: str) -> Kind | None:
    """Return what a word that is not letters alone is; None where it tells nothing."""
    digits = sum(each.isdigit() for each in token)
    if digits and numbers_in(token.casefold()):
        return "number" if digits > 1 else None
    if digits:
        return "id" if len(token) > 2 else None
    if "@" in token or "://" in token or "_" in token:
        return "id"
    return "word" if len(token) >= LONG else None


def with_parts(wanted: Wanted) -> list[Wanted]:
    """Return a name, and behind it the words of it that are names by themselves; anything else alone."""
    if wanted.kind != "name" or len(wanted.words) == 1:
        return [wanted]
    words = [each for each in wanted.text.split() if each[0].isupper() and each.casefold() not in COMMON]
    return [wanted, *(Wanted(each, "name", wanted.place, (each.casefold(),)) for each in words)]


def wanted_in_arguments(arguments: Any) -> tuple[list[list[Wanted]], bool]:
    """Return what is looked for of a call's arguments, and whether that is all.

    Each is a list: the argument as a whole first, then what is telling in it, where it is not found as a whole.
    """
    if isinstance(arguments, str):
        found, all_of_it = telling_in(arguments)
        return [[each] for each in found], all_of_it
    wanted: list[list[Wanted]] = []
    complete = True
    for place, value in leaves(arguments):
        if value is None or isinstance(value, bool) or value == "":
            continue
        if len(wanted) >= MOST:
            complete = False
            break
        text = value if isinstance(value, str) else str(value)
        words = tuple(each.casefold() for each in TOKEN.findall(text))
        parts, all_of_it = telling_in(text, place)
        complete = complete and all_of_it
        whole = (
            [Wanted(text, "value", place, words, numbers_in(text.casefold()))]
            if len(text) <= WHOLE and words
            else []
        )
        if whole or parts:
            wanted.append([*whole, *parts])
    return wanted, complete
