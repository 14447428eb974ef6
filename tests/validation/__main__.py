"""Measure the rows of the table, print it, and write it to docs/validation.md.

    python -m tests.validation              # what is not yet measured, or whose sources changed
    python -m tests.validation AUC damage   # rows whose name contains one of these words
    python -m tests.validation --write      # and write docs/validation.md
    python -m tests.validation --jobs 2     # two rows at a time
    python -m tests.validation --specimens constant table  # only applications of such names

What was measured is kept in build/validation, so that a run that was stopped goes on where it was.
Exit code 0: every claim stands; 1: one does not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tests.validation.end_to_end import report_specimens
from tests.validation.rows import KEPT, ROOT, Row, digest_of, list_rows

PAGE = ROOT / "docs" / "validation.md"
INTRODUCTION = """# Validation

<!-- Written by `python -m tests.validation --write`; do not edit. -->

What a report states is measured here on data whose truth is known. `make validate` measures every
row and resumes after an interruption; `make test` measures a short form with fewer cases.

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is missing, and print all."""
    parser = argparse.ArgumentParser(prog="python -m tests.validation")
    parser.add_argument("words", nargs="*", help="measure rows whose name contains one of them")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=1, help="rows at a time")
    parser.add_argument(
        "--specimens", action="store_true", help="assess applications whose names contain all words"
    )
    asked = parser.parse_args(arguments)
    rows = list_rows()
    if asked.specimens:
        for line in report_specimens(rows, asked.words):
            sys.stdout.write(line)
            sys.stdout.flush()
        return 0
    chosen = [r for r in rows if not asked.words or any(w in r.key for w in lower(asked.words))]
    measure_missing(chosen, asked.jobs)
    found = [(row, kept) for row in rows if (kept := load(row)) is not None]
    sys.stdout.write("\n".join(tables(rows, {})) + "\n")
    if asked.write:  # after a part was measured the rest of the page stays
        earlier = read_page(PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(INTRODUCTION + "\n".join(tables(rows, earlier)) + "\n", encoding="utf-8")
    fails = [row.name for row, kept in found if row in chosen and not kept["passed"]]
    seconds = sum(kept["seconds"] for _, kept in found)
    sys.stderr.write(
        f"{len(found)} of {len(rows)} rows measured, in {seconds:,.0f} processor seconds; "
        f"{len(fails)} do not hold\n"
    )
    return 1 if fails else 0


def lower(words: Sequence[str]) -> list[str]:
    """Spell words as keys are spelt."""
    return ["".join(c if c.isalnum() else "-" for c in word.lower()) for word in words]


# ---- what is kept --------------------------------------------------------------------------------


def load(row: Row) -> dict[str, Any] | None:
    """Return the finding that is kept of a row, if it is of these sources and this many cases."""
    path = KEPT / f"{row.key}.json"
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept if (kept["sources"], kept["asked"]) == (digest(row), row.full) else None


def digest(row: Row) -> str:
    """Return a hash of the files that a row is about, and of the module that measures it."""
    return digest_of((row.measure.__module__,), row.about)


def measure_missing(rows: Sequence[Row], jobs: int) -> None:
    """Measure the rows of which nothing is kept, and keep each as soon as it is measured."""
    KEPT.mkdir(parents=True, exist_ok=True)
    missing = [row for row in rows if load(row) is None and not row.lacking]
    for row in rows:
        if row.lacking:
            sys.stderr.write(
                f"{row.section}: {row.name}: not measured: {', '.join(row.lacking)} not at hand "
                "(files: set GOALKEEPER_DATA to their folder)\n"
            )
    if jobs == 1:
        for row in missing:
            keep(row.key)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(keep, row.key) for row in missing]):
            done.result()


def keep(key: str) -> None:
    """Measure a row and keep what was found."""
    row = next(row for row in list_rows() if row.key == key)
    before = _processor_seconds()
    finding = asdict(row.run(row.full))
    seconds = round(_processor_seconds() - before, 1)
    finding |= {"sources": digest(row), "asked": row.full, "seconds": seconds}
    partial = KEPT / f"{row.key}.partial"
    partial.write_text(json.dumps(finding, indent=1), encoding="utf-8")
    partial.replace(KEPT / f"{row.key}.json")
    mark = "" if finding["passed"] else "  DOES NOT HOLD"
    sys.stderr.write(f"{row.section}: {row.name}: {finding['measured']} ({seconds} s){mark}\n")


def _processor_seconds() -> float:
    """Return the processor seconds of this process and of those that it waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


# ---- the table -----------------------------------------------------------------------------------


def tables(rows: Sequence[Row], kept_lines: Mapping[str, str]) -> Iterator[str]:
    """Write a table for each section, line by line; rows of which nothing is known are left out.

    `kept_lines` are those of an earlier page, by section, name and claim of a row.
    """
    for section, inside in groupby(rows, key=lambda row: row.section):
        lines = [line for row in inside if (line := _line(row, kept_lines))]
        if lines:
            yield from (f"## {section}", "", "| What | Claim | Measured | Cases | Holds |")
            yield from ("|---|---|---|---|---|", *lines, "")


def _line(row: Row, kept_lines: Mapping[str, str]) -> str:
    kept, start = load(row), f"| {row.name} | {row.claim} |"
    if kept is None:
        return kept_lines.get(f"{row.section}{start}", "")
    holds = "yes" if kept["passed"] else "**no**"
    return f"{start} {kept['measured']} | {kept['cases']:,} | {holds} |"


def read_page(text: str) -> dict[str, str]:
    """Read the lines of a page, by section, name and claim."""
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| "):
            name, claim = line.split(" | ")[:2]
            found[f"{section}{name} | {claim} |"] = line
    return found


if __name__ == "__main__":
    sys.exit(main())
