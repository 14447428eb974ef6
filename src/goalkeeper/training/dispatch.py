"""Choose how many models are trained together, by looking at the structure of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.targets.linear import steps_of
from goalkeeper.training.checks import count_classes
from goalkeeper.training.gaps import FILLS
from goalkeeper.training.supported import StrategyKind, classify_estimator

Refit = Callable[[int], Target]  # trains the i-th target of a job as scikit-learn does


@dataclass(frozen=True, eq=False)
class PipelineParts:
    """What a pipeline that is fitted in batches consists of; None where it has no such part.

    `vectoriser` counts words, `tfidf` weighs the counts (the vectoriser itself or a transformer
    behind it), `scaler` is a StandardScaler, `columns` whatever else treats the columns of a table.
    """

    final: Any = None
    vectoriser: Any = None
    tfidf: Any = None
    scaler: Any = None
    columns: Any = None


@dataclass(frozen=True, eq=False)
class FitStrategy:
    """How `fit_many` trains: the kind, the reason in words, and the parts of the pipeline."""

    kind: StrategyKind
    reason: str
    parts: PipelineParts = field(default_factory=PipelineParts)


def one_by_one_strategy(reason: str) -> FitStrategy:
    """Return the strategy that trains models one after the other, with the reason for it."""
    return FitStrategy("one_by_one", f"one after the other: {reason}")


def trains_one_by_one(trainer: Any) -> bool:
    """Tell whether a trainer is known to train models one after the other: apart costs the same."""
    strategy = getattr(trainer, "strategy", None)
    return isinstance(strategy, FitStrategy) and strategy.kind == "one_by_one"


@dataclass(frozen=True, eq=False)
class FitJob:
    """One call of `fit_many` that trains models together: pipeline, data and masks `(N, rows)`."""

    parts: PipelineParts
    estimator: Any
    classes: tuple[str, ...]
    domain: Domain
    data: Data
    masks: Bools
    compute: ComputeSettings = field(default_factory=ComputeSettings)

    def __post_init__(self) -> None:
        """Refuse subsets without a class."""
        counts = count_classes(self.masks, self.data.y, len(self.classes))
        models, classes = np.nonzero(counts == 0)
        if len(models):
            raise DataError(
                f"model {models[0]} of {len(self.masks)}: none of its "
                f"{int(self.masks[models[0]].sum())} records is of class "
                f"{self.classes[classes[0]]!r}; give every model at least one record of every "
                "class (draw the subsets class by class, or larger)"
            )

    @property
    def dtype(self) -> Any:
        """Data type of the computation: float32 with fast precision."""
        return np.float32 if self.compute.precision == "fast" else np.float64


def choose_strategy(estimator: Any, domain: Domain) -> FitStrategy:
    """Look at an unfitted estimator and choose how many of its kind are trained."""
    before, final = steps_of(estimator)
    texts = isinstance(domain, TextDomain)
    odd = _odd_inputs(domain)
    if odd:
        return one_by_one_strategy(odd)
    parts = _text_parts(before) if texts else _table_parts(before, domain)
    if isinstance(parts, str):
        return one_by_one_strategy(parts)
    vectoriser, tfidf, scaler, columns = parts
    kind, reason = classify_estimator(final)
    if kind == "one_by_one":
        return one_by_one_strategy(reason)
    name = type(final).__name__
    if kind not in ("bayes", "logistic") and texts:
        return one_by_one_strategy(f"{name} on texts has no fast path")
    if kind != "logistic" and columns is not None:
        return one_by_one_strategy(f"{name} behind a {type(columns).__name__} has no fast path")
    if kind in ("bayes", "neighbours") and scaler is not None:
        return one_by_one_strategy(f"{name} behind a scaler has no fast path")
    if kind == "bayes" and tfidf is not None and name == "BernoulliNB":
        return one_by_one_strategy("BernoulliNB on tf-idf has no fast path")
    return FitStrategy(kind, reason, PipelineParts(final, vectoriser, tfidf, scaler, columns))


# ---- preprocessing: each returns its parts, or the reason why there is no fast path -------------

Preprocessing = tuple[Any, Any, Any, Any]  # vectoriser, tfidf, scaler, columns


def _text_parts(before: list[Any]) -> Preprocessing | str:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

    names = [type(step) for step in before]
    if names == [CountVectorizer]:
        tfidf = None
    elif names in ([TfidfVectorizer], [CountVectorizer, TfidfTransformer]):
        tfidf = before[-1]
    else:
        steps = " > ".join(n.__name__ for n in names) or "no vectoriser"
        return f"texts go through {steps}, not just CountVectorizer or TfidfVectorizer"
    vectoriser = before[0]
    if vectoriser.max_features is not None or vectoriser.vocabulary is not None:
        return "the vectoriser has max_features or a vocabulary of its own"
    dtype = np.dtype(vectoriser.dtype)
    if vectoriser.input != "content" or dtype not in (np.float64, np.int64):
        return "the vectoriser has an unusual input or dtype"
    if tfidf is not None and tfidf.norm not in ("l2", None):
        return f"tf-idf is normalised by {tfidf.norm}"
    return vectoriser, tfidf, None, None


def _odd_inputs(domain: Domain) -> str:
    """Return what in the inputs no batched fit computes with; "" where there is nothing."""
    if isinstance(domain, ImageDomain) and domain.channels_last:
        return "the images have their channels last"
    if not isinstance(domain, TableDomain):
        return ""
    dates = any(c.kind == "date" for c in domain.columns)
    return "the table has dates" if dates else ""


def _table_parts(before: list[Any], domain: Domain) -> Preprocessing | str:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = domain.columns if isinstance(domain, TableDomain) and domain.named else ()
    coded = any(c.categories for c in columns)
    names = [type(step).__name__ for step in before]
    coders = (["ColumnTransformer"], ["OneHotEncoder"])
    if coded and names not in coders:
        return "the table has named categories, and no ColumnTransformer"
    gaps = isinstance(domain, TableDomain) and bool(domain.missing.any())
    if gaps and not {"ColumnTransformer", "SimpleImputer"} & set(names[:1]):
        return "the table has missing values, and no SimpleImputer"
    if not before:
        return None, None, None, None
    if [type(step) for step in before] == [StandardScaler]:
        return None, None, before[0], None
    if names[0] == "SimpleImputer" and len(before) == 2:
        before = [make_pipeline(*before)]
    if len(before) > 1:
        steps = " > ".join(type(step).__name__ for step in before)
        return f"rows go through {steps}, not just one step"
    return _unsupported_columns(before[0], gaps=gaps) or (None, None, None, before[0])


def _unsupported_columns(step: Any, *, gaps: bool) -> str:
    """Return why the column preprocessing cannot be batch-fitted; "" where it can."""
    from sklearn.compose import ColumnTransformer, make_column_selector

    if type(step) is ColumnTransformer:
        chosen = [columns for _, _, columns in step.transformers]
        if step.transformer_weights or not all(
            isinstance(columns, list | make_column_selector) for columns in chosen
        ):
            return "the ColumnTransformer has weights, or columns that are no list or selector"
        inner = [s for _, s, _ in step.transformers] + [step.remainder]
        reasons = (_unsupported_columns(s, gaps=gaps) for s in inner if not isinstance(s, str))
        return next(filter(None, reasons), "")
    return _unsupported_steps(steps_of_columns(step), gaps=gaps)


def steps_of_columns(step: Any) -> list[Any]:
    """List the steps that some columns go through."""
    from sklearn.pipeline import Pipeline

    return [inner for _, inner in step.steps] if type(step) is Pipeline else [step]


def _unsupported_steps(steps: list[Any], *, gaps: bool) -> str:
    """Return why a step for columns, or an imputer and one behind it, cannot be batch-fitted."""
    from sklearn.impute import SimpleImputer

    if type(steps[0]) is not SimpleImputer:
        if len(steps) == 1:
            return _unsupported_step(steps[0])
        return f"columns go through {' > '.join(type(s).__name__ for s in steps)}"
    filler, behind = steps[0], steps[1:]
    strategy = str(filler.strategy)
    if (
        filler.add_indicator
        or filler.keep_empty_features
        or strategy not in ("mean", "median", "most_frequent", "constant")
        or not np.isscalar(filler.missing_values)
        or not np.isnan(filler.missing_values)
    ):
        return "the SimpleImputer has other parameters than a strategy"
    if len(behind) > 1:
        return f"columns go through {' > '.join(type(s).__name__ for s in steps)}"
    name = type(behind[0]).__name__ if behind else ""
    fills = {"OneHotEncoder": ("most_frequent",), "StandardScaler": FILLS, "": FILLS}
    if gaps and strategy != "constant" and strategy not in fills.get(name, ()):
        return f"missing values are filled in by {strategy} before a {name}"
    return _unsupported_step(behind[0]) if behind else ""


def _unsupported_step(step: Any) -> str:
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler

    if type(step) not in (MaxAbsScaler, MinMaxScaler, OneHotEncoder, StandardScaler):
        return f"rows go through a {type(step).__name__}"
    for name, value in SUPPORTED_PARAMETERS.items():
        given = getattr(step, name, value)
        if not isinstance(given, type(value)) or given != value:
            return f"rows go through a {type(step).__name__} with {name}={given!r}"
    return ""


# The one value of each parameter of an encoder or scaler that the batched fit reproduces.
SUPPORTED_PARAMETERS = {
    "categories": "auto",
    "drop": None,
    "handle_unknown": "ignore",
    "min_frequency": None,
    "max_categories": None,
    "dtype": np.float64,
    "clip": False,
}
