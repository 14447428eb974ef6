"""Read and rewrite the parameters of linear models, through their preprocessing.

Scalers, projections and selections fold into weights and bias. Where a table is encoded, filled in
or cut into bins, the weights are those of the features that this makes, and a design says how they
come from the columns. What cannot be read exactly is refused with a reason.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.design import Design
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets.inputs import our_order, own_order
from goalkeeper.targets.reading import (
    Fold,
    Reading,
    fold_of,
    is_sampler,
    read_preprocessing,
    scales_only,
)

PROBES = 200  # rows that show whether an unknown classifier answers as its weights say
SCALES = (0.1, 1.0, 10.0)  # of these rows


def steps_of(model: Any) -> tuple[list[Any], Any]:
    """Split a model into the steps of its preprocessing and its final estimator."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        return [], model
    steps = [step for _, step in model.steps if step is not None and step != "passthrough"]
    before: list[Any] = []
    for step in steps[:-1]:
        inner, last = steps_of(step)
        before += [*inner, last]
    inner, final = steps_of(steps[-1])
    return before + inner, final


def answering_steps(model: Any) -> tuple[list[Any], Any]:
    """Split a fitted model into what takes part in its answers, as `steps_of` does.

    A search over hyperparameters stands for the best model it found; samplers of imbalanced-learn
    are left out, as they change the training data only.
    """
    before, final = steps_of(model)
    if _is_search(final):
        inner, final = answering_steps(final.best_estimator_)
        before += inner
    return [step for step in before if not is_sampler(step)], final


def _is_search(model: Any) -> bool:
    ours = type(model).__module__.startswith("sklearn.model_selection")
    return ours and hasattr(model, "best_estimator_")


@dataclass(frozen=True, eq=False)
class Layout:
    """How a linear model is built: the text front, the folded steps, the final estimator.

    front: vocabulary, idf, norm and so on; empty for tables. design: what the first fold gets of a
    table; None where it gets the inputs themselves.
    """

    front: Mapping[str, Any]
    chain: tuple[Fold, ...]
    final: Any
    design: Design | None = None


def layout_of(model: Any, domain: Domain) -> Layout:
    """Take a model apart; raises NotOffered where a step cannot be folded."""
    before, final = answering_steps(model)
    front: dict[str, Any] = {}
    if isinstance(domain, TextDomain):
        front, before = text_front(before)
    if isinstance(domain, TableDomain) and not all(scales_only(step) for step in before):
        reading = read_preprocessing(before, domain)
        _check_final(final, domain, front, reading)
        return Layout(front, (reading.fold,), final, reading.design)
    chain = tuple(fold_of(step) for step in before)
    _check_final(final, domain, front)
    return Layout(front, chain, final)


def read(model: Any, domain: Domain, places: Sequence[int], classes: int) -> dict[str, Any]:
    """Return `weights (k, d)`, `bias (k,)` and what turns an input into features.

    For texts that is the vocabulary and so on; for tables a `design`, where the features are not
    the columns themselves.

    Parameters
    ----------
    model
        A fitted estimator or pipeline.
    domain
        What an input looks like.
    places
        Index of each of the model's classes among the application's.
    classes
        Number of the application's classes.

    Raises
    ------
    NotOffered
        The model is not linear in its inputs, or not in a way that can be read.
    """
    if len(places) != classes:
        raise NotOffered(f"the model knows {len(places)} of the application's {classes} classes")
    weights, bias = _final_parameters(answering_steps(model)[1])  # quick, if it is not linear
    layout = layout_of(model, domain)
    weights, bias = ordered(weights, bias, places)
    for step in reversed(layout.chain):
        weights, bias = step.fold(weights, bias)
    design = {} if layout.design is None else {"design": layout.design}
    return {"weights": our_order(weights, domain), "bias": bias, **layout.front, **design}


def replace_parameters(
    model: Any, domain: Domain, places: Sequence[int], new: Mapping[str, Any]
) -> Any:
    """Copy a linear model with other `weights` and `bias`; raises NotOffered if it cannot be."""
    layout = layout_of(model, domain)
    old = read(model, domain, places, len(places))
    for key in layout.front:
        if key in new and not np.array_equal(np.asarray(new[key]), np.asarray(old[key])):
            raise NotOffered(f"only weights and bias can be rewritten, not {key}")
    weights = np.asarray(new.get("weights", old["weights"]), dtype=np.float64)
    bias = np.asarray(new.get("bias", old["bias"]), dtype=np.float64)
    if weights.shape != old["weights"].shape or bias.shape != old["bias"].shape:
        raise NotOffered(
            f"weights {weights.shape} and bias {bias.shape} do not fit this model, which has "
            f"{old['weights'].shape} and {old['bias'].shape}"
        )
    weights = own_order(weights, domain)
    for step in layout.chain:
        weights, bias = step.unfold(weights, bias)
    weights, bias = ordered(weights, bias, np.argsort(places).tolist())
    return _with_final(model, layout.final, _installed(layout.final, weights, bias))


def ordered(weights: Floats, bias: Floats, places: Sequence[int]) -> tuple[Floats, Floats]:
    """Put rows in the order of the application's classes; one row points towards class 1."""
    if len(weights) == 1:
        sign = 1.0 if places[0] == 0 else -1.0
        return weights * sign, bias * sign
    order = np.argsort(places)
    return weights[order], bias[order]


# ---- the text front ---------------------------------------------------------------------------


def text_front(before: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Read what turns a text into features; returns it and the steps that follow."""
    from sklearn.feature_extraction.text import (
        CountVectorizer,
        TfidfTransformer,
        TfidfVectorizer,
    )

    first = before[0] if before else None
    if not isinstance(first, CountVectorizer):
        name = type(first).__name__ if before else "a model without a vectoriser"
        raise NotOffered(f"the words behind the weights cannot be read through {name}")
    front: dict[str, Any] = {
        "vocabulary": first.get_feature_names_out().astype(object),
        "binary": bool(first.binary),
    }
    weighing = first if isinstance(first, TfidfVectorizer) else None
    rest = before[1:]
    if weighing is None and rest and isinstance(rest[0], TfidfTransformer):
        weighing, rest = rest[0], rest[1:]
    if weighing is not None:
        front |= _weighing(weighing, len(front["vocabulary"]))
    return front, rest


def _weighing(step: Any, width: int) -> dict[str, Any]:
    idf = _floats(step.idf_) if step.use_idf else np.ones(width)
    return {"idf": idf, "norm": step.norm, "sublinear_tf": bool(step.sublinear_tf)}


def hashed_front(before: list[Any]) -> tuple[dict[str, Any], dict[str, Any], list[Any]]:
    """Read what hashes words: its settings, how these are weighed, and the steps that follow."""
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    first, rest = before[0], before[1:]
    if type(first) is not HashingVectorizer:
        raise NotOffered(f"what {type(first).__name__} makes of words is not known")
    settings = {k: v for k, v in first.get_params().items() if k not in ("dtype", "input")}
    if any(callable(value) for value in settings.values()):
        raise NotOffered("words are taken apart by a function of the user's own")
    if rest and isinstance(rest[0], TfidfTransformer):
        return settings, _weighing(rest[0], settings["n_features"]), rest[1:]
    return settings, {}, rest


# ---- the final estimator ----------------------------------------------------------------------


def _floats(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _check_final(
    final: Any, domain: Domain, front: Mapping[str, Any], reading: Reading | None = None
) -> None:
    from sklearn.naive_bayes import BernoulliNB

    if not isinstance(final, BernoulliNB) or final.binarize is None:
        return
    if reading is not None:
        fine = 0 <= final.binarize < 1 and reading.is_binary
    elif front:
        fine = "idf" not in front and bool(front["binary"]) and 0 <= final.binarize < 1
    else:
        fine = isinstance(domain, TableDomain) and 0 <= final.binarize < 1 and _binary(domain)
    if not fine:
        raise NotOffered("BernoulliNB is linear only in inputs that are 0 or 1 (binary=True)")


def _binary(domain: TableDomain) -> bool:
    low, high = domain.bounds()
    return bool(((low == 0) & (high == 1) & domain.discrete).all())


def _final_parameters(final: Any) -> tuple[Floats, Floats]:
    """Weights and bias in the order of the estimator's own classes; one row when binary."""
    from sklearn import naive_bayes as nb

    if isinstance(final, nb.MultinomialNB | nb.ComplementNB | nb.BernoulliNB):
        weights, bias = _bayes(final)
        if len(weights) == 2:
            return weights[1:] - weights[:1], bias[1:] - bias[:1]
        return weights, bias
    if not _is_linear(final):
        raise NotOffered(f"{type(final).__name__} is not a linear model whose weights can be read")
    weights = final.coef_.toarray() if hasattr(final.coef_, "toarray") else final.coef_
    weights = np.atleast_2d(_floats(weights))
    bias = np.broadcast_to(_floats(final.intercept_).reshape(-1), (len(weights),)).copy()
    return weights, bias


def _is_linear(final: Any) -> bool:
    from sklearn.linear_model._base import LinearClassifierMixin
    from sklearn.svm import SVC

    if isinstance(final, SVC):
        return bool(final.kernel == "linear") and len(final.classes_) == 2
    return isinstance(final, LinearClassifierMixin) or _answers_linearly(final)


def _answers_linearly(final: Any) -> bool:
    """Tell whether a classifier of the user's own is linear: its answers are those of its weights.

    Rows are drawn at several scales, so that a step or a bound would show.
    """
    weights, bias = getattr(final, "coef_", None), getattr(final, "intercept_", None)
    classes = getattr(final, "classes_", None)
    if weights is None or bias is None or classes is None or not hasattr(final, "predict"):
        return False
    try:
        weights, bias = np.atleast_2d(_floats(weights)), _floats(bias).reshape(-1)
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(PROBES, weights.shape[1])) * rng.choice(SCALES, (PROBES, 1))
        margins = rows @ weights.T + bias
        answers = np.asarray(final.predict(rows))
    except (TypeError, ValueError, AttributeError):  # of a class that is not known here
        return False
    if len(weights) not in (1 if len(classes) == 2 else 0, len(classes)):
        return False
    best = margins[:, 0] > 0 if len(weights) == 1 else margins.argmax(axis=1)
    return bool((answers == np.asarray(classes)[best.astype(int)]).all())


def _bayes(final: Any) -> tuple[Floats, Floats]:
    from sklearn import naive_bayes as nb

    weights = _floats(final.feature_log_prob_)
    if isinstance(final, nb.ComplementNB):
        return weights, np.zeros(len(weights))
    prior = _floats(final.class_log_prior_)
    if not isinstance(final, nb.BernoulliNB):
        return weights, prior
    absent = np.log1p(-np.exp(weights))
    return weights - absent, prior + absent.sum(axis=1)


def _installed(final: Any, weights: Floats, bias: Floats) -> Any:
    """Copy the final estimator with other parameters, in the order of its own classes."""
    from sklearn import naive_bayes as nb
    from sklearn.svm import SVC

    new = copy.copy(final)  # what is replaced is not shared; a deep copy fails on a lock, say
    if isinstance(final, nb.MultinomialNB):
        if len(weights) == 1:
            weights = np.vstack([new.feature_log_prob_[0], new.feature_log_prob_[0] + weights[0]])
            bias = new.class_log_prior_[0] + np.array([0.0, bias[0]])
        new.feature_log_prob_, new.class_log_prior_ = weights, bias
        return new
    if isinstance(final, nb.ComplementNB | nb.BernoulliNB | SVC):
        raise NotOffered(f"the weights of {type(final).__name__} cannot be set one by one")
    new.coef_, new.intercept_ = weights, bias
    return new


def _with_final(model: Any, old: Any, new: Any) -> Any:
    """Copy a pipeline with another final estimator; fitted steps are shared, not copied."""
    if model is old:
        return new
    changed = copy.copy(model)
    if _is_search(model):
        changed.best_estimator_ = _with_final(model.best_estimator_, old, new)
        return changed
    name, last = model.steps[-1]
    changed.steps = [*model.steps[:-1], (name, _with_final(last, old, new))]
    return changed
