"""Mark files with code inside: have each checked, but never load one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from goalkeeper.core.application import Application
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Control, Proportion, Status, Trial
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
from goalkeeper.opening import Scan, scan


def mark(app: Application, genuine: bytes, answer: Replacements) -> AttackResult:
    """Have every file checked, but never load one: whether its code would run is read off it."""
    files = distinct(answer, genuine)
    stored = scan(genuine)
    scans = [_scan_planted(file, stored) for file in files]
    with tempfile.TemporaryDirectory(prefix="goalkeeper-") as folder:
        launcher = Launcher(app, Path(folder))
        refused = launcher.check(Replacement("the genuine file", genuine))
        if refused:
            return unusable(Startup(kind="the genuine file", noticed=refused))
        accepted = sum(not launcher.check(file) for file in files)
    tally = count_unnoticed(accepted, len(files))
    found = sum(one.suspicious for one in scans)
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(tally, found, stored),
        measurements=(
            headline(tally, "files with code inside that would have been loaded"),
            share_of_files("found without loading", found, len(files), "by goalkeeper's own scan"),
        ),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally),),
        controls=(
            genuine_accepted(),
            Control(
                name="nothing is hidden in the stored model itself",
                passed=not stored.dangerous and not stored.problems,
                detail=stored.describe(),
            ),
        ),
        caveats=(
            protection_caveat(storage_of(app)),
            "no file with code inside was ever loaded: that its code would run is read off the "
            "file, since loading this format runs the functions that a file names",
        ),
    )


def _scan_planted(file: Replacement, genuine: Scan) -> Scan:
    """Scan a file; raises DataError where it names no code that the genuine one does not."""
    found = scan(file.content)
    if names_nothing_new(found, set(genuine.names)) and not found.dangerous:
        raise DataError(
            f"the file {file.kind!r} contains no planted code: it names only what the stored "
            "model names"
        )
    return found


def _summary(tally: Proportion, found: int, genuine: Scan) -> str:
    return (
        f"{tally.successes} of {tally.n} files with code hidden inside would have been loaded, and "
        f"their code run; a scan without loading finds {found} of them. In the stored model "
        f"itself: {genuine.describe()}."
    )
