"""A trained XGBoost model as `save_model` writes it: JSON or UBJSON, without pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.describe.kinds.base import (
    FileKind,
    Model,
    ModelContext,
    ModelFile,
    any_of,
    is_of,
)
from goalkeeper.targets.answers import Declared
from goalkeeper.targets.columns import column_places, refuse_words
from goalkeeper.targets.python import PythonTarget
from goalkeeper.targets.returned import softmax

# Both formats begin with the object `learner`. UBJSON writes the length of a key before it, as
# an integer of 1 (i, U) or 8 bytes (L).
JSON = re.compile(rb'\s*\{\s*"learner"\s*:\s*\{')
UBJSON = re.compile(rb"\{(?:[iU]|L\x00{7})\x07learner\{")
SAMPLE = 4  # inputs by which the target is tried out
HINGE = "binary:hinge"
TWO = ("binary:logistic", "binary:logitraw", HINGE)
MANY = ("multi:softprob", "multi:softmax")


class XGBoostModel(FileKind):
    """`model.file` was written by `save_model` of a Booster or an XGBClassifier: a black box."""

    about = "an XGBoost classifier stored by save_model (JSON or UBJSON)"
    advice = (
        "store the classifier with save_model, list its classes in `classes` in the order of their "
        "numbers 0, 1, ..., and let `data.features` name its columns"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look for the object `learner` in front."""
        return bool(JSON.match(file.head) or UBJSON.match(file.head))

    def content_of(self, model: Any) -> bytes | None:
        """Write a Booster as save_model does."""
        if not is_of(model, "xgboost", "Booster"):
            return None
        return bytes(model.save_raw(raw_format="json"))

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Read the trees; nothing in the file is run."""
        booster = _read(file.read(), file.path.name)
        wrap = partial(
            _target,
            classes=context.classes,
            domain=context.domain,
            sample=context.splits.holdout.x[:SAMPLE],
        )
        caveats = ["the model is a stored XGBoost model: attacks that retrain it cannot be tested"]
        rounds, every = _rounds(booster), int(booster.num_boosted_rounds())
        if 0 < rounds < every:
            caveats.append(
                f"{file.path.name} was stopped early: its first {rounds} of {every} rounds answer, "
                "as in XGBClassifier"
            )

        return Model(
            target=wrap(booster, path=file.path),
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=tuple(caveats),
            storage=context.storage(file, partial(_load, wrap), runs_code=False),
        )


@dataclass(frozen=True, eq=False)
class _Trees:
    """Answers rows `(n, d)` with probabilities `(n, classes)`, or labels `(n,)` of a hinge loss.

    Parameters
    ----------
    booster
        The trained model.
    classes
        The application's classes.
    order
        Places of the model's columns among those of the application.
    hinge
        Whether the sums of the trees are no logits, so that there are no probabilities.
    """

    booster: Any
    classes: Sequence[str]
    order: Sequence[int]
    hinge: bool

    def __call__(self, rows: Floats) -> NDArray[Any]:
        import xgboost

        x = np.asarray(rows)[:, list(self.order)]
        margins = self.booster.predict(
            xgboost.DMatrix(x, feature_names=self.booster.feature_names),
            output_margin=True,
            iteration_range=(0, _rounds(self.booster)),
        ).astype(np.float64)
        if self.hinge:
            return np.where(margins > 0, self.classes[1], self.classes[0])
        if margins.ndim == 1:  # one margin towards class 1
            margins = np.stack([-margins / 2, margins / 2], axis=1)
        return softmax(margins)


def _rounds(booster: Any) -> int:
    """Return how many rounds answer; 0: all."""
    best = booster.attr("best_iteration")
    return 0 if best is None else int(best) + 1


def _read(content: bytes, name: str) -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtra("xgboost", "boosting") from error
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(content))
    except xgboost.core.XGBoostError as error:
        line = str(error).splitlines()[0].rpartition(": ")[2]
        raise TargetError(f"XGBoost cannot read {name}: {line}") from error
    return booster


def _load(wrap: Callable[..., Target], path: Path) -> Target:
    return wrap(_read(path.read_bytes(), path.name), path=path)


def _target(
    booster: Any, classes: Sequence[str], domain: Domain, sample: Any, path: Path
) -> PythonTarget:
    """Wrap a booster; raises TargetError where it does not fit classes or domain."""
    objective = _checked_objective(booster, classes, path.name)
    order = _column_order(booster, domain, path.name)
    trees = _Trees(booster, classes, order, hinge=objective == HINGE)
    declared = Declared(what=f"the XGBoost model {path.name}")
    return PythonTarget(trees, classes, domain, sample=sample, path=path, declared=declared)


def _checked_objective(booster: Any, classes: Sequence[str], name: str) -> str:
    """Return what the model was trained for; raises TargetError where it fits no such classes."""
    learner = json.loads(booster.save_config())["learner"]
    objective, sizes = str(learner["objective"]["name"]), learner["learner_model_param"]
    if objective not in TWO + MANY or int(sizes.get("num_target", 1)) > 1:
        raise TargetError(
            f"{name} was trained for {objective} with {sizes.get('num_target', 1)} outputs, and "
            f"is not a classifier; goalkeeper evaluates {any_of((*TWO, *MANY))} with one output"
        )
    count = 2 if objective in TWO else int(sizes["num_class"])
    if count != len(classes):
        raise TargetError(
            f"{name} knows {count} classes ({objective}), but the application lists "
            f"{len(classes)}: {', '.join(classes)}; list every class that the model was trained "
            "on, in the order of their numbers 0, 1, ..."
        )
    return objective


def _column_order(booster: Any, domain: Domain, name: str) -> Sequence[int]:
    """Find the model's columns among those of the application; raises TargetError."""
    if "c" in (booster.feature_types or ()):
        raise TargetError(f"{name} takes categories, whose codes are not known here")
    refuse_words(domain, name)
    return column_places(booster.feature_names, int(booster.num_features()), domain, name)
