"""A trained LightGBM model as `Booster.save_model` writes it: text, without pickle."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.describe.kinds._frames import with_names
from goalkeeper.describe.kinds.base import (
    FileKind,
    Model,
    ModelContext,
    ModelFile,
    any_of,
    is_of,
)
from goalkeeper.targets.columns import (
    codes_of,
    column_places,
    numbers_of,
    refuse_words,
    values_of,
    words_in,
    written,
)
from goalkeeper.targets.file import FileTarget, Reply

START = re.compile(rb"tree\r?\nversion=")
ENDS = b"end of trees"
SAMPLE = 4  # inputs by which the target is tried out
# xentropy: the label is a probability, but the answer is that of class 1 all the same.
TWO = ("binary", "cross_entropy", "xentropy")
MANY = ("multiclass", "multiclassova", "softmax", "ova", "ovr", "multiclass_ova")
NOT_RETRAINED = "the model is a stored LightGBM model: attacks that retrain it cannot be tested"
MADE_UP = re.compile(r"Column_\d+")


class LightGBMModel(FileKind):
    """`model.file` was written by `Booster.save_model`, or `booster_.save_model`: a black box."""

    about = "a LightGBM classifier stored by save_model"
    advice = (
        "store the classifier with booster_.save_model, list its classes in `classes` in the order "
        "of their numbers 0, 1, ..., and let `data.features` name its columns"
    )

    def recognises(self, file: ModelFile) -> bool:
        """Look at the first two lines."""
        return bool(START.match(file.head))

    def content_of(self, model: Any) -> bytes | None:
        """Write a Booster as save_model does."""
        if not is_of(model, "lightgbm", "Booster"):
            return None
        return str(model.model_to_string()).encode()

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
    booster
        The trained model.
    places
        Places of the model's columns among those of the application.
    codes
        By column of the model: the code of each category.
    """

    booster: Any
    places: Sequence[int]
    codes: Mapping[int, Mapping[str, int]]

    def __call__(self, rows: Any) -> Reply:
        columns = [
            codes_of(values_of(rows, place), self.codes[j])
            if j in self.codes
            else numbers_of(rows, place)
            for j, place in enumerate(self.places)
        ]
        found = np.asarray(self.booster.predict(np.stack(columns, axis=1), num_threads=1))
        if found.ndim == 1:
            return None, np.stack([1 - found, found], axis=1)
        return None, found / found.sum(axis=1, keepdims=True)  # one against the rest: no sum of 1


def _load(
    classes: Sequence[str], domain: Domain, sample: Inputs, content: bytes, path: Path
) -> FileTarget:
    """Read a model; raises TargetError where it does not fit classes or domain."""
    name = path.name
    header = _header(content)
    booster = _read(content, name)
    _check_classes(header, classes, name)
    names = list(booster.feature_name())
    wanted = None if all(map(MADE_UP.fullmatch, names)) else names
    plain = _without_blanks(domain)
    places = column_places(wanted, booster.num_feature(), plain, name)
    codes = _codes(booster, content, plain, places, name)
    trees = _Trees(booster, places, codes)
    what = f"the LightGBM model {name}"
    return FileTarget(trees, classes, with_names(domain), sample=sample, path=path, what=what)


def _load_again(load: Any, path: Path) -> FileTarget:
    target: FileTarget = load(path.read_bytes(), path)
    return target


def _header(content: bytes) -> dict[str, str]:
    """Read the lines `key=value` in front of the first tree."""
    front = content.partition(b"\nTree=")[0].decode(errors="replace")
    return dict(line.split("=", 1) for line in front.splitlines() if "=" in line)


def _read(content: bytes, name: str) -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra("lightgbm", "boosting") from error
    if ENDS not in content:
        raise TargetError(f"LightGBM cannot read {name}: it was cut short, and lacks trees")
    try:
        return lightgbm.Booster(model_str=content.decode())
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        line = (str(error).splitlines() or ["no reason given"])[0]
        raise TargetError(f"LightGBM cannot read {name}: {line}") from error


def _check_classes(header: Mapping[str, str], classes: Sequence[str], name: str) -> None:
    objective = header.get("objective", "an objective of its own").split(" ")[0]
    if objective not in TWO + MANY:
        raise TargetError(
            f"{name} was trained for {objective}, and is not a classifier; goalkeeper evaluates "
            f"{any_of((*TWO[:2], *MANY[:2]))}"
        )
    count = 2 if objective in TWO else int(header.get("num_class", "1"))
    if count != len(classes):
        raise TargetError(
            f"{name} knows {count} classes ({objective}), but the application lists "
            f"{len(classes)}: {', '.join(classes)}; list every class that the model was trained "
            "on, in the order of their numbers 0, 1, ..."
        )


def _without_blanks(domain: Domain) -> Domain:
    """Write names of columns as LightGBM does: with _ for blanks."""
    if not isinstance(domain, TableDomain):
        return domain
    columns = (replace(c, name="_".join(c.name.split())) for c in domain.columns)
    return replace(domain, columns=tuple(columns))


def _codes(
    booster: Any, content: bytes, domain: Domain, places: Sequence[int], name: str
) -> dict[int, dict[str, int]]:
    """Return the codes of categories, by column of the model; raises TargetError.

    The file lists the categories of each column that was one in pandas, and, among the settings of
    the training, which columns were.
    """
    listed = booster.pandas_categorical or []
    words = set(words_in(domain))
    columns = domain.columns if isinstance(domain, TableDomain) else ()
    found = re.search(rb"\n\[categorical_feature: ([\d,]*)\]", content)
    which = [int(j) for j in found[1].split(b",") if j] if found else []
    if len(which) != len(listed):
        which = [j for j, place in enumerate(places) if columns and columns[place].name in words]
    if listed and (len(which) != len(listed) or not columns):
        raise TargetError(
            f"{name} lists the categories of {len(listed)} columns, but not of which; call it in a "
            "function of your own (model.function)"
        )
    if not listed:
        refuse_words(domain, name)
        return {}
    refuse_words(domain, name, [columns[places[j]].name for j in which])
    return {
        j: {written(category): code for code, category in enumerate(categories)}
        for j, categories in zip(which, listed, strict=True)
    }
