"""Runs the experiment and prints its table: ``make reflect``. Exits with 1 where the loop does not hold."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.reflect.proof.experiment import NOTES, Proof, prove


def table(proof: Proof) -> list[str]:
    """Return what happened under each condition, a line for each."""
    can = sum(each.is_avoidable for each in proof.arms[NOTES].trials)
    cannot = len(proof.tasks) - can
    rows = [("", "lessons", "failed where it", "where it", "model", "input")]
    rows += [("", "given", "is avoidable", "is not", "calls", "tokens")]
    rows += [
        (
            arm.name,
            f"{len(arm.notes.lesson_ids)}",
            f"{len(arm.failed(avoidable=True))} of {can}",
            f"{len(arm.failed(avoidable=False))} of {cannot}",
            f"{arm.model_calls}",
            f"{arm.input_tokens:,}",
        )
        for arm in proof.arms.values()
    ]
    return ["{:<24}{:>8}{:>17}{:>10}{:>8}{:>10}".format(*row).rstrip() for row in rows]


def main() -> int:
    """Print the notes and the table, and say whether it holds."""
    with tempfile.TemporaryDirectory() as folder:
        proof = prove(Path(folder))
    problems = proof.problems()
    print(proof.arms[NOTES].notes.text, "", *table(proof), "", sep="\n")  # noqa: T201 - its output is what it is for
    for each in problems:
        print(f"It does not hold: {each}.")  # noqa: T201
    if not problems:
        print("It holds.")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
