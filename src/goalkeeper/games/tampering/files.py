"""Mark files put in place of the stored model: is one noticed before the application uses it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from goalkeeper.core.application import Application, Storage, Target
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Control, Measurement, Proportion, Status, Trial
from goalkeeper.core.power import View
from goalkeeper.games.tallies import shown
from goalkeeper.stats import clopper_pearson
from goalkeeper.targets.unpickling import Scan, scan

USER_ERRORS = (Exception, SystemExit)  # what an application's own check or loader can raise
ASKED = 40  # inputs that a model in use answers
MODELS = 2  # older and other models, each


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Slot:
    """Where the stored model lies, and what lies about that could be put there.

    Parameters
    ----------
    content
        Bytes of the genuine file.
    numbers
        Where raw numbers stand in it: (first byte, end, bytes a number); may be empty.
    older
        Genuine files of older models: trained on half of the data.
    other
        Files of models that were trained on other data.
    tries
        How many files are tried, about.
    """

    content: bytes
    numbers: tuple[tuple[int, int, int], ...]
    older: tuple[bytes, ...]
    other: tuple[bytes, ...]
    tries: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file to be put in place of the stored model, and what it is, in two or three words."""

    kind: str
    content: bytes


Replacements = Sequence[Replacement]


def slot(app: Application, rng: np.random.Generator, tries: int, *, models: bool) -> Slot:
    """Read the genuine file; with `models`, train and store older and other models."""
    storage = stored(app)
    content = storage.read()
    files = _models(app, storage, rng) if models else ((), ())
    return Slot(
        content=content,
        numbers=scan(content).arrays,
        older=files[0],
        other=files[1],
        tries=tries,
    )


def stored(app: Application) -> Storage:
    """Return how the application stores its model; raises NotOffered."""
    if app.storage is None:
        raise NotOffered("no stored file of the model is known; describe model.file")
    return app.storage


def _models(
    app: Application, storage: Storage, rng: np.random.Generator
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Store models of the application's own recipe: on half of its data, and on similar data."""
    if app.trainer is None:
        return (), ()
    train, similar = app.data.train, app.data.similar
    parts = [_half(train, rng) for _ in range(MODELS)]
    parts += [_half(similar, rng) for _ in range(MODELS)]
    try:
        files = [storage.save(app.trainer.fit(part, int(rng.integers(2**31)))) for part in parts]
    except NotOffered:
        return (), ()
    return tuple(files[:MODELS]), tuple(files[MODELS:])


def _half(data: Data, rng: np.random.Generator) -> Data:
    """Draw half of the records of every class."""
    rows: list[Ints] = []
    for label in np.unique(data.y):
        own = rng.permutation(np.flatnonzero(data.y == label))
        rows.append(own[: max(1, len(own) // 2)])
    return data.take(np.sort(np.concatenate(rows)))


# ---- what the application does -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What happened when the application started with a file.

    `noticed` says by what the file was noticed; empty when it came into use. `changed` counts the
    inputs that are answered otherwise, of `asked`.
    """

    kind: str
    noticed: str = ""
    changed: int = 0
    asked: int = 0


@dataclass(frozen=True, eq=False)
class Starter:
    """Starts the application with files, in a folder of its own: the user's file is not touched."""

    app: Application
    folder: Path
    inputs: Data

    def checked(self, file: Replacement) -> str:
        """Have the declared check look at a file; return by what it was noticed, or nothing."""
        path = self._written(file)
        try:
            taken = stored(self.app).check(path)
        except USER_ERRORS as error:
            return f"the check raised {type(error).__name__}"
        return "" if taken else "the declared check"

    def started(self, file: Replacement) -> Started:
        """Check, load and ask."""
        noticed = self.checked(file)
        if noticed:
            return Started(kind=file.kind, noticed=noticed)
        try:
            target = stored(self.app).load(self._written(file))
            labels = self._labels(target)
        except USER_ERRORS as error:
            return Started(kind=file.kind, noticed=f"loading raised {type(error).__name__}")
        before = self._labels(self.app.target)
        changed = int((labels != before).sum())
        return Started(kind=file.kind, changed=changed, asked=len(before))

    def _labels(self, target: Target) -> Ints:
        with np.errstate(all="ignore"):
            return target.answer(self.inputs.x, View.LABELS).labels

    def _written(self, file: Replacement) -> Path:
        digest = hashlib.sha256(file.content).hexdigest()[:16]
        path = self.folder / f"{digest}{stored(self.app).suffix}"
        path.write_bytes(file.content)
        return path


# ---- the two marks -------------------------------------------------------------------------------


def swapped(app: Application, slot: Slot, files: Replacements) -> AttackResult:
    """Start the application with every file; a file that comes into use was not noticed."""
    files = _checked(files, slot)
    genuine = Replacement("the genuine file", slot.content)
    with tempfile.TemporaryDirectory(prefix="goalkeeper-") as folder:
        starter = Starter(app, Path(folder), app.data.holdout.take(slice(0, ASKED)))
        first = starter.started(genuine)
        if first.noticed or first.changed:
            return _unusable(first)
        known = set(scan(slot.content).names)
        safe = [file for file in files if _nothing_new(scan(file.content), known)]
        outcomes = [starter.started(file) for file in safe]
    if not outcomes:
        reason = "inconclusive: no file could be tried that names no code the genuine one lacks"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    used = [out for out in outcomes if not out.noticed]
    tally = _unnoticed(len(used), len(outcomes))
    left = len(files) - len(safe)
    caveats = [_protection(stored(app))]
    if left:
        caveats.append(f"{left} files were not tried: they name code that the genuine one lacks")
    return AttackResult(
        status=Status.TESTED,
        summary=_swap_summary(outcomes, stored(app)),
        measurements=(_headline(tally, "changed files that came into use"), *_kinds(outcomes)),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally, verified=tally.successes),),
        controls=(_accepted(),),
        caveats=tuple(caveats),
    )


def planted(app: Application, slot: Slot, files: Replacements) -> AttackResult:
    """Have every file checked, but never load one: whether its code would run is read off it."""
    files = _checked(files, slot)
    own = scan(slot.content)
    known = set(own.names)
    with tempfile.TemporaryDirectory(prefix="goalkeeper-") as folder:
        starter = Starter(app, Path(folder), app.data.holdout.take(slice(0, ASKED)))
        refused = starter.checked(Replacement("the genuine file", slot.content))
        if refused:
            return _unusable(Started(kind="the genuine file", noticed=refused))
        outcomes = []
        for file in files:
            looked = scan(file.content)
            if _nothing_new(looked, known) and not looked.dangerous:
                raise DataError(f"{file.kind!r} plants no code: it names nothing that is new")
            outcomes.append((file, starter.checked(file), looked))
    tally = _unnoticed(sum(not noticed for _, noticed, _ in outcomes), len(outcomes))
    found = sum(looked.suspicious for *_, looked in outcomes)
    return AttackResult(
        status=Status.TESTED,
        summary=_planted_summary(tally, found, own),
        measurements=(
            _headline(tally, "files with code inside that would have been loaded"),
            _share("found without loading", found, len(outcomes), "by goalkeeper's own scan"),
        ),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally),),
        controls=(
            _accepted(),
            Control(
                name="nothing is hidden in the stored model itself",
                passed=not own.dangerous and not own.problems,
                detail=own.said(),
            ),
        ),
        caveats=(
            _protection(stored(app)),
            "no file with code inside was ever loaded: that its code would run is read off the "
            "file, since loading this format runs the functions that a file names",
        ),
    )


def unprotected(app: Application) -> Application:
    """Return the application without any check of its stored file: the positive control."""
    bare = replace(stored(app), check=lambda path: True, protection="")
    return replace(app, storage=bare)


# ---- counting ------------------------------------------------------------------------------------


def _checked(files: Replacements, slot: Slot) -> list[Replacement]:
    """Keep each content once, and none that is the genuine one."""
    once: dict[bytes, Replacement] = {}
    for file in files:
        if not isinstance(file, Replacement):
            raise DataError("an answer must be a sequence of replacements of the stored file")
        once.setdefault(file.content, file)
    once.pop(slot.content, None)
    if not once:
        raise DataError("no file differs from the genuine one; change at least one byte")
    return list(once.values())


def _nothing_new(looked: Scan, known: set[str]) -> bool:
    """Tell whether loading a file can run nothing that loading the genuine one does not."""
    return set(looked.names) <= known and not looked.problems


def _unnoticed(successes: int, n: int) -> Proportion:
    """Count files in use; who changes nothing never has a changed file in use."""
    return Proportion(successes=successes, n=n, baseline_successes=0, baseline_n=n)


def _unusable(first: Started) -> AttackResult:
    why = f"it was refused by {first.noticed}" if first.noticed else "it answers otherwise"
    return AttackResult(
        status=Status.NOT_TESTED,
        reason=f"inconclusive: the application does not even start with a copy of its own stored "
        f"model as it should: {why}",
    )


# ---- what is shown -------------------------------------------------------------------------------


def _headline(tally: Proportion, note: str) -> Measurement:
    value, low, high = shown(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=0.0,
        n=tally.n,
        note=f"{note}; who changes nothing has none in use",
    )


def _share(metric: str, k: int, n: int, note: str, group: str = "") -> Measurement:
    low, high = clopper_pearson(k, n)
    return Measurement(
        metric=metric, value=k / n, low=low, high=high, baseline=0.0, n=n, note=note, group=group
    )


def _kinds(outcomes: Sequence[Started]) -> Iterator[Measurement]:
    """Say for each kind of file how many came into use, and how much they changed."""
    for kind in dict.fromkeys(out.kind for out in outcomes):
        own = [out for out in outcomes if out.kind == kind]
        used = [out for out in own if not out.noticed]
        asked = sum(out.asked for out in used)
        changed = sum(out.changed for out in used)
        ways = ", ".join(sorted({out.noticed for out in own if out.noticed}))
        parts = [f"{changed / asked:.1%} of their answers differ"] if asked else []
        parts += [f"noticed by {ways}"] if ways else []
        yield _share("in use unnoticed", len(used), len(own), "; ".join(parts), group=kind)


def _swap_summary(outcomes: Sequence[Started], storage: Storage) -> str:
    used = sum(not out.noticed for out in outcomes)
    n = len(outcomes)
    said = f"{used} of {n} changed files came into use unnoticed"
    if not storage.protection:
        return f"Nothing checks the stored model before it is used: {said}."
    return f"{said[0].upper()}{said[1:]}; checked at start: {storage.protection}."


def _planted_summary(tally: Proportion, found: int, own: Scan) -> str:
    return (
        f"{tally.successes} of {tally.n} files with code hidden inside would have been loaded, and "
        f"their code run; a scan without loading finds {found} of them. In the stored model "
        f"itself: {own.said()}."
    )


def _protection(storage: Storage) -> str:
    if not storage.protection:
        return "no check of the stored model is described (model.integrity), so none was at work"
    return (
        f"the check at work was the described one ({storage.protection}); that it really runs "
        "at every start, and that nobody can change what it compares with, is taken on trust"
    )


def _accepted() -> Control:
    return Control(
        name="the genuine file is taken",
        passed=True,
        detail="a copy of the stored model passes the check",
    )
