"""Assess a model in memory: one call from the model and its records to an assessment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack

from goalkeeper.core.amounts import parse_seconds
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.goals import Goal
from goalkeeper.describe import ModelOptions
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing, run

__all__ = ["AssessOptions", "ModelOptions", "assess_model"]

OF_THE_RUN = ("seed", "only", "attacks", "effort", "time", "folder", "run")


class AssessOptions(ModelOptions, total=False):
    """What the application says (`ModelOptions`), and how it is assessed.

    Parameters
    ----------
    seed
        Same seed, same evidence (but for measured times).
    only, attacks
        Goals and attacks to keep to (default: all).
    effort
        Multiplies sample sizes and numbers of models (default: 1).
    time
        Time limit in seconds or as `"10m"`: attack runs hand in what they have when it is over, and
        the same call with a `folder` continues later (default: none).
    folder
        Run folder, which `goalkeeper show`, `report` and `verify` read, with `report.html`; the
        same call resumes it (default: nothing is kept).
    run
        Store, resume and progress: see `goalkeeper.RunOptions`.
    """

    seed: int
    only: Sequence[Goal | str] | str
    attacks: Sequence[str] | str
    effort: float
    time: float | str
    folder: Path | str
    run: RunOptions


def assess_model(
    model: Any,
    X_train: Any,
    y_train: Any,
    X_test: Any,
    y_test: Any,
    **options: Unpack[AssessOptions],
) -> Assessment:
    """Assess a model on records in memory.

    Parameters
    ----------
    model, X_train, y_train, X_test, y_test
        The model, the inputs `(n, ...)` that it was trained on and others that it never saw, each
        with its class `(n,)`: whatever `goalkeeper.Application.from_model` takes.
    **options
        `needs`, `attackers`, `time`, `seed`, `only`, `folder` and others: see `AssessOptions` and
        `ModelOptions` beside this function.

    Returns
    -------
    Assessment
        It prints as a table of verdicts, and shows as one in a notebook.

    Raises
    ------
    DescriptionError
        An argument cannot be used, or the model contradicts its data; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.default_rng(0).normal(size=(600, 3))
    >>> y = X.sum(axis=1) > 0
    >>> model = LogisticRegression().fit(X[:300], y[:300])
    >>> found = assess_model(
    ...     model, X[:300], y[:300], X[300:], y[300:], only="privacy", attackers=["customer"],
    ...     effort=0.25,
    ... )
    >>> list(found.goals)
    [<Goal.PRIVACY: 'privacy'>]
    """
    sizing = _sizing(options)  # the time counts from here
    described = {name: given for name, given in options.items() if name not in OF_THE_RUN}
    app = Application.from_model(model, X_train, y_train, X_test, y_test, **described)
    settings = replace(options.get("run") or RunOptions(), sizing=sizing)
    choice = Choice(
        goals=tuple(Goal(goal) for goal in _listed(options.get("only", ()))),
        attacks=tuple(_listed(options.get("attacks", ()))),
    )
    seed = options.get("seed", 0)
    if "folder" in options:
        return run(app, options["folder"], seed=seed, choice=choice, options=settings)
    with TemporaryDirectory() as folder:
        return run(app, folder, seed=seed, choice=choice, options=settings)


def _sizing(options: AssessOptions) -> Sizing:
    limit = parse_seconds(str(options.get("time", "")), "time")
    return Sizing(effort=options.get("effort"), limit=limit)


def _listed(given: Any) -> Sequence[Any]:
    """Let one name stand for a list of one."""
    return (given,) if isinstance(given, str) else given
