"""A stolen file answers as the original does, and how it was protected is examine_protection."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.extraction.artefact_copy import ArtefactCopy
from goalkeeper.core.application import Application
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.extraction.game import TASK
from goalkeeper.games.extraction.stolen import examine_protection
from goalkeeper.targets import SklearnTarget
from tests.attacks.extraction.doors import around, mailbox, table
from tests.contract.harness import enough


def result_of(app: Application) -> AttackResult:
    granted = enough(ArtefactCopy)
    return evaluate(
        app, AttackRun(attack=ArtefactCopy(), game=Extraction(), task=TASK, granted=granted, seed=0)
    )


def fidelity(result: AttackResult) -> float:
    return next(m.value for m in result.measurements if m.metric == "fidelity")


def tabular(model: Any) -> Application:
    app = around(None, table(5), 2)
    x = app.data.train.x
    model.fit(x, (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int))
    return replace(app, target=SklearnTarget(model, app.classes, app.domain, indexed=True))


def stored(app: Application, folder: Path, name: str = "model.joblib") -> Application:
    """Store the model, and name the file with its hash as a description does."""
    target = app.target
    assert isinstance(target, SklearnTarget)
    path = folder / name
    joblib.dump(target.model, path)
    kept = SklearnTarget(target.model, app.classes, app.domain, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(app, target=kept, hashes={name: digest})


@pytest.mark.requirement("S45", "S46")
@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)),
        make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(max_iter=1000)),
        make_pipeline(CountVectorizer(binary=True), LogisticRegression(max_iter=1000)),
        make_pipeline(CountVectorizer(), MultinomialNB()),
    ],
)
def test_text_filters_are_rebuilt_exactly(model: Any) -> None:
    app = mailbox(model, 600)
    assert ArtefactCopy().unfit(app) is None
    result = result_of(app)
    assert fidelity(result) == 1.0
    assert result.cost.queries == 0


@pytest.mark.requirement("S45")
@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(random_state=0)])
def test_tables_are_rebuilt_exactly(model: Any) -> None:
    app = tabular(model)
    assert ArtefactCopy().unfit(app) is None
    assert fidelity(result_of(app)) == 1.0


@pytest.mark.requirement("S45")
@pytest.mark.parametrize("model", [KNeighborsClassifier(), RandomForestClassifier(5)])
def test_a_stored_file_gives_any_model(model: Any, tmp_path: Path) -> None:
    app = tabular(model)
    unfit = ArtefactCopy().unfit(app)
    assert unfit
    assert not unfit.proven
    kept = stored(app, tmp_path)
    assert ArtefactCopy().unfit(kept) is None
    assert fidelity(result_of(kept)) == 1.0


def test_a_file_that_nobody_named_is_not_opened(tmp_path: Path) -> None:
    app = replace(stored(tabular(LogisticRegression()), tmp_path), hashes={})
    unfit = ArtefactCopy().unfit(app)
    assert unfit
    assert "is not opened" in unfit.reason


@pytest.mark.requirement("S45")
def test_the_protection_of_the_file_is_examined(tmp_path: Path) -> None:
    app = stored(tabular(LogisticRegression()), tmp_path)
    path = tmp_path / "model.joblib"
    path.chmod(0o644)
    exhibit = result_of(app).exhibits[0]
    assert "readable by its owner, its group, everybody" in exhibit.after
    assert "a pickle, not encrypted" in exhibit.after
    path.chmod(0o600)
    assert "readable by its owner; a pickle" in examine_protection(app).after
    path.write_bytes(np.random.default_rng(0).bytes(8192).replace(b"\x80", b"\x81"))
    assert "encrypted or compressed" in examine_protection(app).after
    path.unlink()
    assert "no stored file was given" in examine_protection(app).after


def test_who_does_not_know_the_model_gets_no_examination() -> None:
    app = replace(tabular(LogisticRegression()), domain=table(5))
    from goalkeeper.attacks.extraction.equation_solving import EquationSolving

    this = AttackRun(
        attack=EquationSolving(),
        game=Extraction(),
        task=TASK,
        granted=enough(EquationSolving),
        seed=0,
    )
    assert not any("thief" in e.title for e in evaluate(app, this).exhibits)
    assert not isinstance(app.domain, TextDomain)
