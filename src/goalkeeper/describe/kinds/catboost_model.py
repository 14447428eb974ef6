"""A trained CatBoost model as `save_model` writes it: its own binary format, or JSON."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.describe.kinds._frames import with_names
from goalkeeper.describe.kinds.base import FileKind, Model, ModelContext, ModelFile
from goalkeeper.targets.columns import (
    column_places,
    numbers_of,
    refuse_words,
    values_of,
    written,
)
from goalkeeper.targets.file import FileTarget, Reply
from goalkeeper.targets.returned import ClassIndex

BINARY = b"CBM1"
JSON = re.compile(rb'\s*\{\s*"(?:ctr_data|features_info)"\s*:\s*\{')
SAMPLE = 4  # inputs by which the target is tried out
MULTI_LABEL = ("MultiLogloss", "MultiCrossEntropy")
EVEN = 0.5  # threshold of the second class
NOT_RETRAINED = "the model is a stored CatBoost model: attacks that retrain it cannot be tested"


class CatBoostModel(FileKind):
    """`model.file` was written by `save_model` of a CatBoostClassifier: a black box."""

    about = "a CatBoost classifier stored by save_model (cbm or JSON)"
    advice = (
        "store the classifier with save_model, list its classes in `classes` as it writes them, "
        "and let `data.features` name its columns"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look at the magic number, or at the first key."""
        return file.head.startswith(BINARY) or bool(JSON.match(file.head))

    def load(self, file: ModelFile, context: ModelContext) -> Model:
        """Read the trees; nothing in the file is run."""
        load = partial(_load, context.classes, context.domain, context.splits.holdout.x[:SAMPLE])
        return Model(
            target=load(file.read(), file.path),
            trainer=None,
            domain=context.domain,
            compute=context.cpu_settings,
            caveats=(NOT_RETRAINED,),
            storage=context.storage(file, partial(_load_again, load), runs_code=False),
        )


@dataclass(frozen=True, eq=False)
class _Trees:
    """Answers prepared rows with probabilities `(n, classes)`.

    Parameters
    ----------
    model
        The trained classifier.
    places
        Places of the model's columns among those of the application.
    words
        The model's columns that are categories.
    order
        Index, among the application's classes, of each of the model's.
    """

    model: Any
    places: Sequence[int]
    words: frozenset[int]
    order: Sequence[int]

    def __call__(self, rows: Any) -> Reply:
        import pandas as pd

        names = self.model.feature_names_
        columns = {
            names[j]: _words(rows, place) if j in self.words else numbers_of(rows, place)
            for j, place in enumerate(self.places)
        }
        x = pd.DataFrame(columns, columns=names)
        found = np.asarray(self.model.predict_proba(x, thread_count=1))
        scores = np.empty_like(found)
        scores[:, list(self.order)] = found
        if len(self.order) > 2 or self.model.get_probability_threshold() == EVEN:
            return None, scores
        labels = np.asarray(self.model.predict(x, thread_count=1)).reshape(-1)
        return labels, scores


def _words(rows: Any, place: int) -> Any:
    return np.array([written(value) for value in values_of(rows, place)], dtype=object)


def _load(
    classes: Sequence[str], domain: Domain, sample: Inputs, content: bytes, path: Path
) -> FileTarget:
    """Read a model; raises TargetError where it does not fit classes or domain."""
    name = path.name
    model = _read(content, name)
    order = _class_order(model, classes, name)
    names = list(model.feature_names_)
    made_up = names == [str(j) for j in range(len(names))]
    places = column_places(None if made_up else names, len(names), domain, name)
    words = frozenset(model.get_cat_feature_indices())
    columns = domain.columns if isinstance(domain, TableDomain) else ()
    refuse_words(domain, name, [columns[places[j]].name for j in words if columns])
    trees = _Trees(model, places, words, order)
    what = f"the CatBoost model {name}"
    return FileTarget(trees, classes, with_names(domain), sample=sample, path=path, what=what)


def _load_again(load: Any, path: Path) -> FileTarget:
    target: FileTarget = load(path.read_bytes(), path)
    return target


def _read(content: bytes, name: str) -> Any:
    try:
        import catboost
    except ImportError as error:
        raise MissingExtra("catboost", "boosting") from error
    model = catboost.CatBoostClassifier()
    try:
        if content.startswith(BINARY):
            model.load_model(blob=content)
        else:  # which it reads from a file only
            json.loads(content)  # CatBoost takes half of a file for a model without trees
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "model.json"
                copy.write_bytes(content)
                model.load_model(str(copy), format="json")
    except (catboost.CatBoostError, ValueError) as error:
        line = (str(error).splitlines() or ["no reason given"])[0].rpartition(": ")[2]
        raise TargetError(f"CatBoost cannot read {name}: {line}") from error
    return model


def _class_order(model: Any, classes: Sequence[str], name: str) -> tuple[int, ...]:
    """Find the model's classes among those of the application; raises TargetError."""
    loss = str(model.get_all_params().get("loss_function", "an unknown loss"))
    known = [] if model.classes_ is None else np.asarray(model.classes_).tolist()
    if len(known) < 2 or loss.partition(":")[0] in MULTI_LABEL:
        raise TargetError(
            f"{name} was trained for {loss}, and is not a classifier of one class an input"
        )
    if model.get_text_feature_indices() or model.get_embedding_feature_indices():
        raise TargetError(
            f"{name} takes columns of texts or embeddings; call it in a function of your own "
            "(model.function)"
        )
    index = ClassIndex(classes)
    order = tuple(index.of(entry, name) for entry in known)
    if sorted(order) != list(range(len(classes))):
        raise TargetError(
            f"{name} knows the classes {known}, but the application lists {list(classes)}; list "
            "every class that the model was trained on"
        )
    return order
