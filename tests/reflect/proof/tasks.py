"""What the sessions are asked to do: no task of those that are learnt from is one of those that are tried."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tests.reflect.proof.tools import ELSEWHERE


@frozen
class Task:
    """A tool that is to be called, and the facts for it."""

    tool: str
    facts: tuple[tuple[str, str], ...]

    @property
    def prompt(self) -> str:
        """What the user writes."""
        return f"Please {self.tool}. " + "; ".join(f"{name}: {value}" for name, value in self.facts)

    @property
    def values(self) -> tuple[str, ...]:
        """What is anybody's own in it."""
        return tuple(value for _, value in self.facts if len(value) > 2)

    def elsewhere(self) -> Task:
        """Return it for the tool of another name."""
        return Task(ELSEWHERE[self.tool], self.facts)


def _task(tool: str, **facts: str) -> Task:
    return Task(tool, tuple(facts.items()))


TRAIN: Final = (
    _task("book_table", restaurant="Septime", people="6", phone="0143677938"),
    _task("book_table", restaurant="Kin Dee", people="8", phone="0302155294"),
    _task("send_parcel", receiver="Ada Lovelace", date="3 March 2027", pieces="2"),
    _task("send_parcel", receiver="Grace Hopper", date="14 May 2027", pieces="1"),
    _task("send_parcel", receiver="Emmy Noether", date="30 June 2027", pieces="3"),
    _task("pay_invoice", invoice="A-1003", amount="12.50 EUR", instalments="1"),
    _task("pay_invoice", invoice="A-2217", amount="199.00 EUR", instalments="3"),
    _task("pay_invoice", invoice="A-3090", amount="7.25 EUR", instalments="1"),
    _task("reserve_bike", station="Alexanderplatz", days="2"),
    _task("reserve_bike", station="Ostkreuz", days="1"),
    _task("reserve_bike", station="Tegel", days="3"),
    _task("read_gauge", river="Elbe", hours="6"),
    _task("read_gauge", river="Oder", hours="3"),
    _task("read_gauge", river="Saale", hours="9"),
)
"""``book_table`` is met least often: where notes have no room for all lessons, its lesson is the one left out."""

TEST: Final = (
    _task("book_table", restaurant="Barra", people="7", phone="0308186277"),
    _task("book_table", restaurant="Ernst", people="9", phone="0301266810"),
    _task("book_table", restaurant="Le Servan", people="5", phone="0155280577"),
    _task("send_parcel", receiver="Lise Meitner", date="1 April 2027", pieces="4"),
    _task("send_parcel", receiver="Mary Anning", date="22 July 2027", pieces="1"),
    _task("send_parcel", receiver="Maria Merian", date="9 September 2027", pieces="2"),
    _task("pay_invoice", invoice="B-4471", amount="1040.10 EUR", instalments="2"),
    _task("pay_invoice", invoice="B-0815", amount="3.99 EUR", instalments="1"),
    _task("pay_invoice", invoice="B-7352", amount="64.00 EUR", instalments="4"),
    _task("reserve_bike", station="Südkreuz", days="5"),
    _task("reserve_bike", station="Gesundbrunnen", days="4"),
    _task("reserve_bike", station="Wannsee", days="7"),
    _task("read_gauge", river="Havel", hours="12"),
    _task("read_gauge", river="Spree", hours="4"),
    _task("read_gauge", river="Neisse", hours="8"),
)

UNRELATED: Final = (
    _task("book_table", restaurant="Otto", people="three"),
    _task("book_table", restaurant="Julius", people="two"),
    _task("send_parcel", receiver="Katherine Johnson", date="2027-02-11", pieces="four"),
    _task("send_parcel", receiver="Rosalind Franklin", date="2027-08-02", pieces="two"),
    _task("pay_invoice", invoice="C-1120", amount="2250", instalments="six"),
    _task("pay_invoice", invoice="C-7008", amount="980", instalments="two"),
)
"""They break another rule of the same tools, one that the tasks that are tried keep."""
