"""Files put in place of the stored model: is one noticed before the application uses it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from goalkeeper.core.application import Application, Storage, Target
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Control, Measurement, Proportion, Status
from goalkeeper.core.power import View
from goalkeeper.games.base import Unfit
from goalkeeper.games.tallies import estimate_tally
from goalkeeper.opening import Scan
from goalkeeper.stats import clopper_pearson

USER_ERRORS = (Exception, SystemExit)  # what an application's own check or loader can raise
ASKED = 40  # inputs that a model in use is asked about: enough to see that its answers differ


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file to be put in place of the stored model, and what it is, in two or three words."""

    kind: str
    content: bytes


Replacements = Sequence[Replacement]


def storage_of(app: Application) -> Storage:
    """Return how the application stores its model; raises NotOffered."""
    if app.storage is None:
        raise NotOffered("no stored file of the model is known; describe model.file")
    return app.storage


def unfit_storage(app: Application) -> Unfit | None:
    """Say that no stored file is described; None when one is."""
    if app.storage is not None:
        return None
    return Unfit(
        "no stored file of the model is described (model.file or model.weights), so "
        "whether a changed one would be noticed was not tried"
    )


def remove_check(app: Application) -> Application:
    """Return the application without any check of its stored file: the positive control."""
    unchecked = replace(storage_of(app), check=lambda path: True, protection="")
    return replace(app, storage=unchecked)


# ---- what the application does -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """What happened when the application started with a file.

    `noticed` says by what the file was noticed; empty when it came into use. `changed` counts the
    inputs that are answered otherwise, of `asked`.
    """

    kind: str
    noticed: str = ""
    changed: int = 0
    asked: int = 0


@dataclass(frozen=True, eq=False)
class Launcher:
    """Starts the application with files, in a folder of its own: the user's file is not touched."""

    app: Application
    folder: Path

    def check(self, file: Replacement) -> str:
        """Have the declared check look at a file; return by what it was noticed, or nothing."""
        path = self._write(file)
        try:
            accepted = storage_of(self.app).check(path)
        except USER_ERRORS as error:
            return f"the check raised {type(error).__name__}"
        return "" if accepted else "the declared check"

    def start(self, file: Replacement) -> Startup:
        """Check a file, load it, and ask the loaded model."""
        noticed = self.check(file)
        if noticed:
            return Startup(kind=file.kind, noticed=noticed)
        try:
            target = storage_of(self.app).load(self._write(file))
            labels = self._labels(target)
        except USER_ERRORS as error:
            return Startup(kind=file.kind, noticed=f"loading raised {type(error).__name__}")
        before = self._labels(self.app.target)
        changed = int((labels != before).sum())
        return Startup(kind=file.kind, changed=changed, asked=len(before))

    @property
    def _inputs(self) -> Data:
        return self.app.data.holdout.take(slice(0, ASKED))

    def _labels(self, target: Target) -> Ints:
        with np.errstate(all="ignore"):  # numbers of a changed file can overflow
            return target.answer(self._inputs.x, View.LABELS).labels

    def _write(self, file: Replacement) -> Path:
        digest = hashlib.sha256(file.content).hexdigest()[:16]
        path = self.folder / f"{digest}{storage_of(self.app).suffix}"
        path.write_bytes(file.content)
        return path


def unusable(genuine: Startup) -> AttackResult:
    """Return the result where the application does not even start with its genuine file."""
    how = f"it was refused by {genuine.noticed}" if genuine.noticed else "its answers are different"
    return AttackResult(
        status=Status.NOT_TESTED,
        reason="inconclusive: the application does not even start properly with a copy of its own "
        f"stored model: {how}",
    )


# ---- counting ------------------------------------------------------------------------------------


def distinct(files: Iterable[object], genuine: bytes) -> list[Replacement]:
    """Keep each content once, and none that is the genuine one.

    Raises
    ------
    DataError
        The answer holds something else than replacements, or nothing that is changed.
    """
    found: dict[bytes, Replacement] = {}
    for file in files:
        if not isinstance(file, Replacement):
            raise DataError("an answer must be a sequence of replacements of the stored file")
        found.setdefault(file.content, file)
    found.pop(genuine, None)
    if not found:
        raise DataError("no file differs from the genuine one; change at least one byte")
    return list(found.values())


def names_nothing_new(file: Scan, known: set[str]) -> bool:
    """Tell whether loading a file can run nothing that loading the genuine one does not."""
    return set(file.names) <= known and not file.problems


def count_unnoticed(successes: int, n: int) -> Proportion:
    """Count files in use; who changes nothing never has a changed file in use."""
    return Proportion(successes=successes, n=n, baseline_successes=0, baseline_n=n)


# ---- what is shown -------------------------------------------------------------------------------


def headline(tally: Proportion, note: str) -> Measurement:
    """Measure the files in use; the baseline is no changed file, so none in use."""
    value, low, high = estimate_tally(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=0.0,
        n=tally.n,
        note=f"{note}; baseline: no change, so no changed file in use",
    )


def share_of_files(metric: str, k: int, n: int, note: str, group: str = "") -> Measurement:
    """Measure a share of files with its exact 95 % interval."""
    low, high = clopper_pearson(k, n)
    return Measurement(
        metric=metric, value=k / n, low=low, high=high, baseline=0.0, n=n, note=note, group=group
    )


def protection_caveat(storage: Storage) -> str:
    """Say which check was at work, and what of it was not tested."""
    if not storage.protection:
        return "no check of the stored model is described (model.integrity), so none was at work"
    return (
        f"the check at work was the described one ({storage.protection}); that it really runs "
        "at every start, and that nobody can change what it compares with, is assumed, not tested"
    )


def genuine_accepted() -> Control:
    """Record that the genuine file passed the check."""
    return Control(
        name="the genuine file is accepted",
        passed=True,
        detail="a copy of the stored model passes the check",
    )
