"""The model of an application file: which kind it is, and what this kind makes of it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import PARTS, Splits
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.core.noticeboard import Activity
from goalkeeper.describe.document import OBJECT, Document, Key
from goalkeeper.describe.first_bytes import looks_like
from goalkeeper.describe.form import ModelForm
from goalkeeper.describe.kinds import (
    FileKind,
    Model,
    ModelContext,
    ModelFile,
    TargetKind,
    any_of,
    built_kinds,
    file_kinds,
)
from goalkeeper.describe.mlflow_uris import download, is_uri
from goalkeeper.describe.objects import wrap_object
from goalkeeper.describe.problems import problem
from goalkeeper.describe.references import References
from goalkeeper.describe.whole_form import key_kinds
from goalkeeper.targets.checks import preflight

SEED = 0
TRIED = 50  # records with missing values that the model is asked about
FILE: Key = ("model", "file")
BUILD: Key = ("model", "build")
K = TypeVar("K", bound=TargetKind)


@dataclass(frozen=True, eq=False)
class Modeller:
    """Makes the model that a description names."""

    references: References
    form: ModelForm
    classes: tuple[str, ...]
    compute: ComputeSettings

    @property
    def _document(self) -> Document:
        return self.references.document

    def make(self, splits: Splits, domain: Domain) -> Model:
        """Train, load or wrap the model, and try it on a few inputs; raises DescriptionError."""
        context = ModelContext(
            references=self.references,
            form=self.form,
            classes=self.classes,
            domain=domain,
            splits=splits,
            compute=self.compute,
        )
        if OBJECT in self._document.given:
            key, advice = OBJECT, TargetKind.advice
            with context.errors_at(key, advice):
                model = wrap_object(self._document.given[OBJECT], context)
        elif self.form.build is not None:
            key, advice = BUILD, TargetKind.advice
            model = self._build(self.form.build, context)
        elif self.form.file is not None:
            key, file = FILE, self.find_file()
            kind = self._kind_of(file)
            advice = kind.advice
            with context.errors_at(key, advice):
                model = kind.load(file, context)
        else:
            name = next(key for key in key_kinds() if getattr(self.form, key) is not None)
            key, key_kind = ("model", name), key_kinds()[name]
            advice = key_kind.advice
            with context.errors_at(key, advice):
                model = key_kind.load(getattr(self.form, name), context)
        self._try_missing(model, splits)
        with context.errors_at(key, advice):
            preflight(model.target, splits.holdout.x)
        return model

    def _try_missing(self, model: Model, splits: Splits) -> None:
        """Ask the model about records with missing values; raises where it cannot answer them."""
        if not isinstance(model.domain, TableDomain) or not model.domain.missing.any():
            return
        every = np.concatenate([getattr(splits, part).x for part in PARTS])
        rows = every[np.isnan(every).any(axis=1)][:TRIED]
        try:
            if len(rows):
                preflight(model.target, rows)
        except TargetError as error:
            some = np.isnan(rows).any(axis=0).tolist()
            names = [c.name for c, gap in zip(model.domain.columns, some, strict=True) if gap]
            raise problem(
                self._document,
                ("data",),
                "the model does not answer records with missing values, which the data have in "
                + ", ".join(names[:8]),
                given=error.what[:200],
                advice="let the model fill them in, take the records out, or leave the columns "
                "out: data.drop",
            ) from error

    # ---- build ----------------------------------------------------------------------------------

    def _build(self, reference: str, context: ModelContext) -> Model:
        build = self.references.function(BUILD, reference)
        kinds = built_kinds()
        wanted = any_of(kind.about for kind in kinds.values())
        advice = f"return {wanted} from build(), or a trained one from build(x, y, seed)"
        with context.errors_at(BUILD, advice), self.references.explained(BUILD, reference):
            if _required(build):
                self._refuse_extra_keys(reference, frozenset())
                return _train_by_function(build, context)
        with self.references.running(BUILD, reference, Activity.BUILD):
            built = build()
        odd = misbuilt(built)
        kind = None if odd else self._only(recognising(kinds, built), "what it returns")
        if kind is None:
            name = getattr(build, "__name__", reference)
            what, remedy = odd or (f"{type(built).__name__}", advice)
            raise problem(
                self._document,
                BUILD,
                f"{name}() returned {what}, which is not a model that goalkeeper can train",
                expected=wanted,
                advice=remedy,
            )
        self._refuse_extra_keys(reference, kind.keys)
        with context.errors_at(BUILD, advice), self.references.explained(BUILD, reference):
            return kind.train(built, build, context)

    def _refuse_extra_keys(self, reference: str, allowed: frozenset[str]) -> None:
        """Refuse keys that are for another kind of model than `build` returns."""
        for key in ("weights", "training", "answers", "refusal"):
            if getattr(self.form, key) is not None and key not in allowed:
                kinds = [k.about for k in built_kinds().values() if key in k.keys]
                kinds = kinds or ["a function that answers (model.function)"]
                raise problem(
                    self._document,
                    ("model", key),
                    f"{key} is for {any_of(kinds)}, but {reference} returns something else",
                    advice=f"leave out {key}, or give {any_of(kinds)}",
                )

    # ---- file -----------------------------------------------------------------------------------

    def find_file(self) -> ModelFile:
        """Find the model file; raises DescriptionError unless a kind knows it and it is trusted.

        Nothing in it is run: only its content is looked at.
        """
        name = self.form.file or ""
        try:
            file = self._given(name)
            kind = self._kind_of(file)
            inner = kind.inner(file)
        except (TargetError, MissingExtra) as error:
            advice = "" if isinstance(error, MissingExtra) else "correct the model, or its name"
            raise problem(self._document, FILE, str(error), advice=advice) from error
        if inner is not None:
            inside = f"{name}/{inner.relative_to(file.path).as_posix()}"
            file = ModelFile(inner, self.references.note_hash(inner, inside))
            kind = self._kind_of(file)
        self._require_trust(file, kind)
        return file

    def _given(self, name: str) -> ModelFile:
        """Find the file or folder with this name, or that MLflow knows by this URI."""
        if is_uri(name):
            path = download(name)
        else:
            path = self.references.file(FILE, name, "model file", folders=True)
        return ModelFile(path, self.references.note_hash(path, name))

    def _kind_of(self, file: ModelFile) -> FileKind:
        kinds = file_kinds()
        kind = self._only(recognising(kinds, file), file.path.name)
        if kind is None:
            raise problem(
                self._document,
                FILE,
                f"{file.path.name} is not a model of a kind that goalkeeper can load",
                expected=any_of(kind.about for kind in kinds.values()),
                given=looks_like(file.path, file.head),
                advice="store the model in one of these forms, or load it in a Python function of "
                "your own (model.function)",
            )
        return kind

    def _require_trust(self, file: ModelFile, kind: FileKind) -> None:
        name, declared = file.path.name, self.form.sha256
        lines = f"add these lines under model: `trust: true` and `sha256: {file.sha256}`"
        advice = f"if you know where {name} comes from, {lines}"
        if kind.runs_code and not self.form.trust:
            raise problem(
                self._document,
                FILE,
                f"the model file is not trusted: opening {kind.about} runs whatever code is in it, "
                "so goalkeeper opens only what you name",
                expected="trust: true, and the sha256 of the file",
                given=f"trust: false, file with sha256 {file.sha256}",
                advice=advice,
            )
        if declared is None and not kind.runs_code:
            return
        if declared is None or declared.lower() != file.sha256:
            raise problem(
                self._document,
                ("model", "sha256"),
                "the hash of the trusted model file is missing"
                if declared is None
                else "the model file is not the one that you trusted",
                expected=f"sha256: {file.sha256}",
                given=declared or "no sha256",
                advice=advice,
            )

    # ---- which kind it is -----------------------------------------------------------------------

    def _only(self, found: Mapping[str, K], what: str) -> K | None:
        """Return the one kind that recognised the model, or None; raises where several did."""
        if len(found) > 1:
            key = BUILD if self.form.build is not None else FILE
            raise problem(
                self._document,
                key,
                f"{what} is recognised as more than one kind of model: {', '.join(found)}",
                advice="uninstall the plug-in whose kind of model it is not",
            )
        return next(iter(found.values()), None)


def recognising(kinds: Mapping[str, K], model: Any) -> dict[str, K]:
    """Return the kinds that recognise a model; a fallback is asked only where no other does.

    A kind that raises is left out with a warning.
    """
    for fallback in (False, True):
        asked = {name: kind for name, kind in kinds.items() if kind.fallback is fallback}
        found = {name: kind for name, kind in asked.items() if _recognises(name, kind, model)}
        if found:
            return found
    return {}


def _recognises(name: str, kind: Any, model: Any) -> bool:
    try:
        return bool(kind.recognises(model))
    except Exception as error:  # noqa: BLE001 - a broken plug-in must never break goalkeeper
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(f"the kind of model {name} was left out: {reason}", stacklevel=2)
        return False


# ---- trained by a function of the user --------------------------------------------------------


def misbuilt(built: Any) -> tuple[str, str] | None:
    """Say what a function returned in place of a model, and what to change in it; None if neither.

    A class has the methods of its instances, so that it would pass for a model.
    """
    if built is None:
        return "None", "end the function with `return model`"
    if isinstance(built, type):
        name = built.__name__
        return f"the class {name}", f"return an instance: write `return {name}()`, with parentheses"
    if inspect.iscoroutine(built):
        built.close()  # it would warn that nobody awaited it
        return "a coroutine", "write `def` in place of `async def`"
    if inspect.isgenerator(built):
        return "a generator", "write `return` in place of `yield`"
    return None


def _required(build: Callable[..., Any]) -> list[str]:
    """List the arguments without which the function cannot be called."""
    return [
        p.name
        for p in inspect.signature(build).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _train_by_function(build: Callable[..., Any], context: ModelContext) -> Model:
    """Let `build(x, y, seed)` train the model; raises TargetError for other arguments."""
    from goalkeeper.training import FunctionTrainer

    trainer = FunctionTrainer(build, context.classes, context.domain, compute=context.compute)
    return Model(
        target=trainer.fit(context.splits.train, SEED),
        trainer=trainer,
        domain=context.domain,
        compute=context.cpu_settings,
    )
