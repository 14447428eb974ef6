"""Mark swapped files: start the application with each, and count those that come into use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from goalkeeper.core.application import Application, Storage
from goalkeeper.core.evidence import AttackResult, Measurement, Status, Trial
from goalkeeper.games.shared.model_files import (
    Launcher,
    Replacement,
    Replacements,
    Startup,
    count_unnoticed,
    distinct,
    genuine_accepted,
    headline,
    names_nothing_new,
    protection_caveat,
    share_of_files,
    storage_of,
    unusable,
)
from goalkeeper.opening import scan


def mark(app: Application, genuine: bytes, answer: Replacements) -> AttackResult:
    """Start the application with every file; a file that comes into use was not noticed."""
    files = distinct(answer, genuine)
    with tempfile.TemporaryDirectory(prefix="goalkeeper-") as folder:
        launcher = Launcher(app, Path(folder))
        first = launcher.start(Replacement("the genuine file", genuine))
        if first.noticed or first.changed:
            return unusable(first)
        known = set(scan(genuine).names)
        safe = [file for file in files if names_nothing_new(scan(file.content), known)]
        startups = [launcher.start(file) for file in safe]
    if not startups:
        reason = "inconclusive: every file names code that the genuine one lacks, so none was tried"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    in_use = [startup for startup in startups if not startup.noticed]
    tally = count_unnoticed(len(in_use), len(startups))
    left_out = len(files) - len(safe)
    caveats = [protection_caveat(storage_of(app))]
    if left_out:
        caveats.append(
            f"{left_out} files were not tried: they name code that the genuine one lacks"
        )
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(startups, storage_of(app)),
        measurements=(headline(tally, "changed files that came into use"), *_by_kind(startups)),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally, verified=tally.successes),),
        controls=(genuine_accepted(),),
        caveats=tuple(caveats),
    )


def _by_kind(startups: Sequence[Startup]) -> Iterator[Measurement]:
    """Say for each kind of file how many came into use, and how much they changed."""
    for kind in dict.fromkeys(startup.kind for startup in startups):
        of_kind = [startup for startup in startups if startup.kind == kind]
        in_use = [startup for startup in of_kind if not startup.noticed]
        asked = sum(startup.asked for startup in in_use)
        changed = sum(startup.changed for startup in in_use)
        ways = ", ".join(sorted({startup.noticed for startup in of_kind if startup.noticed}))
        parts = [f"{changed / asked:.1%} of their answers differ"] if asked else []
        parts += [f"noticed by {ways}"] if ways else []
        note = "; ".join(parts)
        yield share_of_files("in use unnoticed", len(in_use), len(of_kind), note, group=kind)


def _summary(startups: Sequence[Startup], storage: Storage) -> str:
    in_use = sum(not startup.noticed for startup in startups)
    count = f"{in_use} of {len(startups)} changed files came into use unnoticed"
    if not storage.protection:
        return f"Nothing checks the stored model before it is used: {count}."
    return f"{count[0].upper()}{count[1:]}; checked at start: {storage.protection}."
