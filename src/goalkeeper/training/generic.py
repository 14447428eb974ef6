"""Generic classifiers of the family of a given one: what somebody trains who knows the family."""

from __future__ import annotations

from typing import Any

# scikit-learn's default of 100 iterations often stops short of the optimum on unscaled columns.
LOGISTIC_ITERATIONS = 1000
# A network stops where ten epochs improve the loss by less than this. With the default of 1e-4 it
# often does not within the 200 epochs that are the default, and warns.
NETWORK_TOLERANCE = 1e-3
NETWORK_EPOCHS = 1000  # that are enough for it

# Families whose classes differ in what they learn: they stay the class they are, with defaults.
# Everything that is not named is linear, or unknown, and becomes logistic regression.
SAME_CLASS = frozenset({
    "AdaBoostClassifier", "BaggingClassifier", "BernoulliNB", "CategoricalNB", "ComplementNB",
    "DecisionTreeClassifier", "ExplainableBoostingClassifier", "ExtraTreeClassifier",
    "ExtraTreesClassifier", "GaussianNB", "GaussianProcessClassifier",
    "GradientBoostingClassifier", "HistGradientBoostingClassifier", "KNeighborsClassifier",
    "LGBMClassifier", "LinearDiscriminantAnalysis", "MultinomialNB", "NearestCentroid", "NuSVC",
    "QuadraticDiscriminantAnalysis", "RandomForestClassifier", "SVC", "XGBClassifier",
    "XGBRFClassifier",
})  # fmt: skip
# Where the class itself cannot be built from nothing, another one of the family.
INSTEAD = {
    "RadiusNeighborsClassifier": ("sklearn.neighbors", "KNeighborsClassifier"),
    "BalancedRandomForestClassifier": ("sklearn.ensemble", "RandomForestClassifier"),
    "BalancedBaggingClassifier": ("sklearn.ensemble", "BaggingClassifier"),
    "EasyEnsembleClassifier": ("sklearn.ensemble", "AdaBoostClassifier"),
    "RUSBoostClassifier": ("sklearn.ensemble", "AdaBoostClassifier"),
}
QUIET = {"LGBMClassifier": {"verbose": -1}}
# What one model consists of, where it only wraps others; searches have it under `estimator`, too.
INNER = ("best_estimator_", "estimator", "classifier", "base_estimator")

TREES = frozenset({
    "AdaBoostClassifier", "BaggingClassifier", "CatBoostClassifier", "DecisionTreeClassifier",
    "ExtraTreeClassifier", "ExtraTreesClassifier", "GradientBoostingClassifier",
    "HistGradientBoostingClassifier", "LGBMClassifier", "RandomForestClassifier", "XGBClassifier",
    "XGBRFClassifier",
})  # fmt: skip
COUNTS = frozenset({"BernoulliNB", "ComplementNB", "MultinomialNB"})
# Those that take no sparse matrix, as texts give one.
DENSE_ONLY = frozenset({
    "GaussianNB", "GaussianProcessClassifier", "HistGradientBoostingClassifier",
    "LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis",
})  # fmt: skip


def generic_classifier(final: Any) -> Any:
    """Build an untrained classifier of the family of `final`, with default settings.

    Subclasses count as what they are derived from, a search or another wrapper as what it wraps,
    an ensemble of different models as all of them. None stands for an unknown model.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    if isinstance(final, Pipeline):
        return generic_classifier(final.steps[-1][1])
    for kind in type(final).__mro__:
        built = _build(kind)
        if built is not None:
            return built
    members = getattr(final, "estimators", None)
    if isinstance(members, list) and members and isinstance(members[0], tuple):
        return _vote([model for _, model in members])
    for name in INNER:
        inner = getattr(final, name, None)
        if hasattr(inner, "fit"):
            return generic_classifier(inner)
    return LogisticRegression(max_iter=LOGISTIC_ITERATIONS)


def _build(kind: type) -> Any:
    """Build the generic classifier of a class; None where it is of no known family."""
    from importlib import import_module

    name = kind.__name__
    if name in SAME_CLASS and _is_public(kind):
        return kind(**QUIET.get(name, {}))
    if name == "CatBoostClassifier":
        return kind(verbose=0, allow_writing_files=False)
    if name == "MLPClassifier":
        return _network()
    if name in INSTEAD:
        module, instead = INSTEAD[name]
        return getattr(import_module(module), instead)()
    return None


def _is_public(kind: type) -> bool:
    """Tell whether a class is a library's own: one of the user's may need arguments."""
    return kind.__module__.split(".")[0] in ("sklearn", "xgboost", "lightgbm", "interpret")


def _vote(models: list[Any]) -> Any:
    from sklearn.ensemble import VotingClassifier

    generic = [generic_classifier(m) for m in models if hasattr(m, "fit")]
    numbered = [(f"m{i}", m) for i, m in enumerate(generic)]
    voting = "soft" if all(hasattr(m, "predict_proba") for m in generic) else "hard"
    return VotingClassifier(numbered, voting=voting)


def _network() -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(tol=NETWORK_TOLERANCE, max_iter=NETWORK_EPOCHS)


def densifier() -> Any:
    """Build the step that turns a sparse matrix into an array."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(_to_array, accept_sparse=True)


def _to_array(x: Any) -> Any:
    return x.toarray() if hasattr(x, "toarray") else x
